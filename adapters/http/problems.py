"""Every refusal as a problem document (RFC 9457): THE table from error to status, and the handlers that use it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap, Scope

from adapters.http.as_is import AsIs
from order_service.domain import errors

_log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"

_BASIC = 'Basic realm="order-service", charset="UTF-8"'

_COME_AGAIN = "Try again after Retry-After; where something is created, with the same Idempotency-Key."

# What the layers before a route leave in the scope for whoever answers, and for the edge, which adds the headers.
REQUEST_ID = "request_id"
RATE_LIMIT = "rate_limit"


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of refusal: its status, its title, and what a client can do about it."""

    status: int
    title: str
    advice: str


PROBLEMS: Mapping[str, Problem] = {
    "malformed-request": Problem(400, "Malformed request", "Send what the API's description asks for."),
    "bad-cursor": Problem(400, "Bad cursor", "Follow next_cursor as it was given, with the same filter."),
    "invalid-grant": Problem(400, "Invalid grant", "Check the e-mail address and the password, or log in again."),
    "invalid-scope": Problem(400, "Invalid scope", "Ask for some of the scopes named in `grantable`, or for none."),
    "unsupported-grant-type": Problem(
        400, "Unsupported grant type", "Use password, refresh_token or client_credentials."
    ),
    "invalid-client": Problem(401, "Invalid client", "Check the client's id and secret, or rotate the secret."),
    "not-authenticated": Problem(401, "Not authenticated", "Log in, and send the access token as a Bearer token."),
    "not-allowed": Problem(403, "Not allowed", "Ask somebody whose role allows it."),
    "origin-not-allowed": Problem(403, "Origin not allowed", "Have the operator add the page to CORS_ORIGINS."),
    "insufficient-scope": Problem(403, "Insufficient scope", "Log in for a token that has `scope`, too."),
    "cancel-window-closed": Problem(403, "Cancel window closed", "Ask the shop to cancel the order."),
    "not-found": Problem(404, "Not found", "Check the address."),
    "order-not-found": Problem(404, "Order not found", "Check the order's id, and whose order it is."),
    "shipment-not-found": Problem(404, "Shipment not found", "Take shipment_id from the order."),
    "return-not-found": Problem(404, "Return not found", "Take return_id from the order."),
    "session-not-found": Problem(404, "Session not found", "Take its id from the list of your sessions."),
    "account-not-found": Problem(404, "Account not found", "Register an account."),
    "service-not-found": Problem(404, "Service not found", "List the services."),
    "job-not-found": Problem(404, "Job not found", "Look at the jobs that are dead by now."),
    "dead-letter-not-found": Problem(404, "Dead letter not found", "List the dead letters."),
    "method-not-allowed": Problem(405, "Method not allowed", "Use a method named in the Allow header."),
    "conflict": Problem(409, "Conflict", "Read the resource again, and decide anew."),
    "illegal-transition": Problem(409, "Illegal transition", "Ask only for a status named in `allowed`."),
    "already-processed": Problem(409, "Already processed", "Nothing is left to do."),
    "already-paid": Problem(409, "Already paid", "Cancel lines instead, or the order."),
    "limit-reached": Problem(409, "Limit reached", "Use what is there already, or another order."),
    "nothing-to-return": Problem(409, "Nothing to return", "Return only what has shipped, and only once."),
    "return-resolved": Problem(409, "Return resolved", "Request a new return."),
    "payment-known": Problem(409, "Payment known", "Use a new payment_id for a new payment."),
    "refund-known": Problem(409, "Refund known", "Use a new refund_id for a new refund."),
    "email-taken": Problem(409, "E-mail taken", "Log in, or register another address."),
    "own-role": Problem(409, "Own role", "Ask another administrator."),
    "account-changed-meanwhile": Problem(409, "Account changed meanwhile", "Send the request again."),
    "service-name-taken": Problem(409, "Service name taken", "Use another name, or rotate its secret."),
    "orders-open": Problem(409, "Orders open", "Erase the account when all of its orders are over."),
    "last-admin": Problem(409, "Last admin", "Give somebody else the role of an admin first."),
    "letter-settled": Problem(409, "Letter settled", "Nothing is left to do, unless it dies again."),
    "letter-cut": Problem(409, "Letter cut", "Send the message again from where it came."),
    "letter-from-elsewhere": Problem(409, "Letter from elsewhere", "Ask whoever writes to the dead letters' topic."),
    "external-ref-taken": Problem(409, "External reference taken", "Use one external_ref for one order."),
    "order-changed-meanwhile": Problem(409, "Order changed meanwhile", "Read the order again, and try again."),
    "order-number-taken": Problem(409, "Order number taken", "Send the request again."),
    "idempotency-key-taken": Problem(409, "Idempotency key taken", "Send the request again, with the same key."),
    "message-known": Problem(409, "Message known", "Nothing is left to do."),
    "cursor-expired": Problem(410, "Cursor expired", "Begin anew, without a cursor."),
    "version-mismatch": Problem(412, "Version mismatch", "Read it again: it has changed since."),
    "payload-too-large": Problem(413, "Payload too large", "Send at most 1 MiB."),
    "unsupported-media-type": Problem(415, "Unsupported media type", "Send the content type that is asked for."),
    "invalid-request": Problem(422, "Invalid request", "Correct the fields named in `errors`."),
    "currency-unknown": Problem(422, "Currency unknown", "Use a currency code of ISO 4217 that has a minor unit."),
    "total-mismatch": Problem(422, "Total mismatch", "Add the lines up again, or leave total_price out."),
    "customer-unknown": Problem(422, "Customer unknown", "Use the id of a registered account."),
    "over-cancellation": Problem(422, "Over-cancellation", "Cancel at most what is `left` of the line."),
    "over-return": Problem(422, "Over-return", "Return at most what is `left` of the line."),
    "overpayment": Problem(422, "Overpayment", "Record at most what is still `open`."),
    "over-shipment": Problem(422, "Over-shipment", "Ship at most what is `left` of the line."),
    "refund-exceeds-captured": Problem(422, "Refund exceeds captured", "Refund at most what is `left`."),
    "idempotency-key-reused": Problem(422, "Idempotency key reused", "Use a new key for a new request."),
    "batch-aborted": Problem(424, "Batch aborted", "Mend the item that failed, and send the batch again."),
    "rate-limited": Problem(429, "Too many requests", "Wait as long as Retry-After says."),
    "internal-error": Problem(500, "Internal error", "Tell the operator the request_id; trying again may help."),
    "too-busy": Problem(503, "Too busy", _COME_AGAIN),
    "dependency-unavailable": Problem(503, "Temporarily unavailable", _COME_AGAIN),
}

CODE_BY_STATUS = {
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
    422: "invalid-request",
    429: "rate-limited",
    503: "dependency-unavailable",
}


def problem_response(
    request: Request[Any, Any, Any],
    code: str,
    detail: str,
    members: Mapping[str, object] = MappingProxyType({}),
    *,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    problem = PROBLEMS[code]
    scope = extended(request.scope)
    document = problem_document(code, detail, members, instance=scope["path"], request_id=scope.get(REQUEST_ID, ""))
    all_headers = dict(headers or {})
    if problem.status == HTTPStatus.UNAUTHORIZED:
        all_headers["WWW-Authenticate"] = _BASIC if code == errors.InvalidClient.code else "Bearer"
    if code == errors.InsufficientScope.code:
        all_headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{members["scope"]}"'
    if "retry_after" in members:
        all_headers["Retry-After"] = str(members["retry_after"])
    return AsIs(msgspec.json.encode(document), status=problem.status, media_type=PROBLEM_JSON, headers=all_headers)


def problem_document(
    code: str, detail: str, members: Mapping[str, object], *, instance: str, request_id: str
) -> dict[str, object]:
    problem = PROBLEMS[code]
    return {
        "type": f"/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
        **members,
    }


def on_refusal(request: Request[Any, Any, Any], error: errors.OrderServiceError) -> Response[bytes]:
    """A refusal of the core, with its typed fields as members of the document."""
    return problem_response(request, error.code, str(error), members_of(error))


def refusal_document(request: Request[Any, Any, Any], error: errors.OrderServiceError) -> dict[str, object]:
    """The same, for a part of an answer."""
    scope = extended(request.scope)
    return problem_document(
        error.code,
        str(error),
        members_of(error),
        instance=scope["path"],
        request_id=scope.get(REQUEST_ID, ""),
    )


def members_of(error: errors.OrderServiceError) -> Mapping[str, object]:
    if isinstance(error, errors.InvalidField):
        return {"errors": [{"pointer": pointer_to(error.field), "detail": error.reason}]}
    if isinstance(
        error, errors.InvalidGrant | errors.InvalidClient | errors.InvalidScope
    ):  # where RFC 6749 has its name for it
        return {"error": error.code.replace("-", "_"), **error.details()}
    return error.details()


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """A refusal of the framework: no such route, wrong method, a body or parameter that does not fit."""
    if isinstance(error, ValidationException):
        return _on_validation_error(request, error)
    code = CODE_BY_STATUS.get(error.status_code, "malformed-request" if error.status_code < 500 else "internal-error")
    detail = error.detail
    if isinstance(error, NotFoundException):
        detail = "There is nothing at this address."
    elif isinstance(error, MethodNotAllowedException) and error.headers:
        detail = f"This address takes {error.headers['allow']}."
    return problem_response(request, code, detail, headers=error.headers)


def _on_validation_error(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    entries = [entry for entry in error.extra or [] if isinstance(entry, dict)]
    if any(entry.get("source") not in (None, "body") for entry in entries):
        detail = "; ".join(f"{entry['key']}: {entry['message']}" for entry in entries)
        return problem_response(request, "malformed-request", detail)
    found = [{"pointer": pointer_to(entry["key"]), "detail": entry["message"]} for entry in entries]
    if [entry["detail"] for entry in found] == ["'data'"]:  # how the framework says that there is none
        found = [{"pointer": "", "detail": "A body is required."}]
    detail = found[0]["detail"] if found else error.detail
    return problem_response(request, "invalid-request", detail, {"errors": found})


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Nobody foresaw this: the log gets all of it, the client nothing but where to look."""
    request_id = extended(request.scope).get(REQUEST_ID, "")
    known = {"request_id": request_id, "order_id": request.path_params.get("order_id")}
    _log.error("request %s failed", request_id, exc_info=error, extra=known)
    return problem_response(request, "internal-error", "Something went wrong on our side.")


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    errors.OrderServiceError: on_refusal,
    HTTPException: on_http_error,
    Exception: on_bug,
}


def extended(scope: Scope) -> dict[str, Any]:
    """The scope as the plain dict that it is: ASGI lets a layer add keys, the type does not say so."""
    return scope  # type: ignore[return-value]  # a TypedDict is a dict


def pointer_to(path: str) -> str:
    """The JSON pointer (RFC 6901) for a path such as `lines[2].quantity`; empty for the whole document, `body`."""
    path = path.partition("[...]")[0]  # how msgspec says "some value of the mapping"
    return "" if path in {"body", "data"} else "/" + path.replace("[", ".").replace("]", "").replace(".", "/")


class ProblemOut(msgspec.Struct, omit_defaults=True):
    """A refusal (RFC 9457). Some kinds have members of their own beside these."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[dict[str, str]] = []


LIMITED = (400, 429, 500, 503)
TOKEN = (401,)
BODY = (413, 415, 422)


def answers(models: Mapping[int, type | None], *refusals: int) -> dict[int, ResponseSpec]:
    """What a route may answer, for the API's description: a model per success, and a problem per refusal."""
    documented = {
        status: ResponseSpec(model, generate_examples=False, description=HTTPStatus(status).phrase)
        for status, model in models.items()
    }
    for status in sorted(refusals):  # which ones exactly, `description.py` tells
        documented[status] = ResponseSpec(
            ProblemOut, generate_examples=False, media_type=PROBLEM_JSON, description=HTTPStatus(status).phrase
        )
    return documented
