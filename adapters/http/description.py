"""What the framework cannot know of the API's description: examples, and which route may refuse for which reasons."""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

import msgspec

from adapters.http.example_refusals import refusals
from adapters.http.examples import ANSWERS, REQUESTS
from adapters.http.links import add_links
from adapters.http.problems import PROBLEM_JSON, PROBLEMS
from order_service.domain.errors import OrderServiceError
from order_service.told import ToldEvent

Json = dict[str, Any]

_METHODS = ("get", "put", "post", "patch", "delete")

_CHANGES = frozenset(
    {
        "change_order",
        "edit_order_lines",
        "record_payment",
        "record_refund",
        "ship_order",
        "deliver_shipment",
        "cancel_order",
        "request_return",
        "receive_return",
        "refuse_return",
    }
)
_RETURNS = frozenset({"receive_return", "refuse_return"})
_PLACING = frozenset({"place_order"})
_CHANGES_OF_ACCOUNTS = frozenset({"change_my_account", "set_role"})
_READING_ACCOUNTS = frozenset({"get_my_account", "get_account", "list_account_events", "list_my_account_events"})
_WITH_VERSION = (
    _CHANGES | _PLACING | _CHANGES_OF_ACCOUNTS | {"get_order", "register_account", "get_my_account", "get_account"}
)

ONLY_OF: Mapping[str, Set[str]] = {
    "bad-cursor": {"list_orders", "list_accounts", "read_event_log"},
    "session-not-found": {"end_my_session"},
    "invalid-grant": {"log_in"},
    "invalid-client": {"log_in"},
    "invalid-scope": {"log_in"},
    "unsupported-grant-type": {"log_in"},
    "not-allowed": _CHANGES
    | _PLACING
    | {"screen_order_again", "read_event_log", "list_accounts", "get_account", "set_role", "list_account_events"},
    "cancel-window-closed": {"cancel_order", "change_order"},
    "shipment-not-found": {"deliver_shipment"},
    "return-not-found": _RETURNS,
    "account-not-found": _CHANGES_OF_ACCOUNTS
    | _READING_ACCOUNTS
    | {"change_my_password", "export_my_account", "erase_my_account"},
    "illegal-transition": _CHANGES - {"record_refund"},
    "already-processed": {"screen_order_again"},
    "already-paid": {"edit_order_lines"},
    "nothing-to-return": {"request_return"},
    "limit-reached": {"record_payment", "record_refund", "ship_order", "request_return", "change_order"},
    "return-resolved": _RETURNS,
    "payment-known": {"record_payment"},
    "refund-known": {"record_refund"},
    "email-taken": {"register_account", "change_my_account"},
    "own-role": {"set_role"},
    "account-changed-meanwhile": {"change_my_account", "change_my_password", "erase_my_account"},
    "orders-open": {"erase_my_account"},
    "last-admin": {"erase_my_account"},
    "external-ref-taken": _PLACING | {"change_order"},
    "order-changed-meanwhile": _CHANGES | {"run_batch"},
    "order-number-taken": _PLACING | {"run_batch"},
    "version-mismatch": _CHANGES | _CHANGES_OF_ACCOUNTS,
    "cursor-expired": {"read_event_log"},
    "currency-unknown": _PLACING,
    "total-mismatch": _PLACING | {"edit_order_lines"},
    "customer-unknown": _PLACING,
    "over-cancellation": {"cancel_order"},
    "over-return": {"request_return"},
    "overpayment": {"record_payment"},
    "over-shipment": {"ship_order"},
    "refund-exceeds-captured": {"record_refund"},
}
"""The problems that only some routes have. All others any route may have that has their status."""

_BY_COMMAND = ("service-not-found", "service-name-taken")
_ON_PAGES = ("job-not-found", "dead-letter-not-found", "letter-settled", "letter-cut", "letter-from-elsewhere")

NEVER_SENT = frozenset(
    {
        "conflict",
        "message-known",
        "method-not-allowed",
        "origin-not-allowed",
        "batch-aborted",
        *_BY_COMMAND,
        *_ON_PAGES,
    }
)
"""Of these no route says that it may answer them: the first two name what nobody asks for over HTTP, the next two are
answers to what is no route, and the fifth stands within the results of a batch; services are seen to by commands, and
the machinery on the operations page and by commands.
"""

_TEXT: Json = {"type": "string"}
_MEMBERS: Json = {
    "from": {**_TEXT, "description": "illegal-transition: where the order is."},
    "to": {**_TEXT, "description": "illegal-transition: where it was to go."},
    "allowed": {"type": "array", "items": _TEXT, "description": "illegal-transition: where it may go, if anywhere."},
    "current_version": {"type": "integer", "description": "version-mismatch: the version that it is at."},
    "grantable": {**_TEXT, "description": "invalid-scope: those that could be had, separated by spaces."},
    "scope": {**_TEXT, "description": "insufficient-scope: what the token would have to have."},
    "retry_after": {"type": "integer", "description": "When to try again, in seconds."},
    "failed_item": {"type": "integer", "description": "batch-aborted: the item that failed, counted from 0."},
    "order_status": {**_TEXT, "description": "nothing-to-return: where the order is."},
    "open": {**_TEXT, "description": "overpayment: what is left to pay."},
    "sent": {**_TEXT, "description": "total-mismatch: the total that was sent."},
    "computed": {**_TEXT, "description": "total-mismatch: the total that the lines come to."},
    "open_orders": {"type": "integer", "description": "orders-open: how many orders are still going on."},
    "left": {"description": "What is left: a quantity, or an amount."},
}
"""Members of their own that some kinds of problem have."""

_IN_AN_ORDER = {
    "number": "For people. An order is read by it as by its id, whatever the case and with or without hyphens.",
    "total": "The sum of the lines, canceled and returned ones included.",
    "captured": "All that came in.",
    "refunded": "All that went back.",
    "refund_due": "What is owed back: what came in and did not go back, beyond the price of what is kept.",
    "pay_by": "After that, an order that is not paid is canceled.",
    "paid_at": "When nothing was left to pay for the first time.",
    "redacted_at": "When what the customer wrote was taken out, for the account was erased.",
    "version": "How many events there were: 1 when placed. The same as the ETag.",
    "status": "The life in one word; the four other statuses say more.",
}

_WITH_KEY = frozenset({"idempotency-key-taken", "idempotency-key-reused"})
_OF_ORDERS = frozenset({"order-not-found"})


def completed(document: Json) -> Json:
    """The framework's document, with all that is missing. It is changed in place."""
    schemas = document["components"]["schemas"]
    schemas["ProblemType"] = {
        "type": "string",
        "title": "ProblemType",
        "enum": [f"/problems/{code}" for code in PROBLEMS],
        "x-enum-varnames": [code.replace("-", "_").upper() for code in PROBLEMS],  # how generated clients call them
        "description": "Each leads to a page that tells what can be done.\n\n"
        + "\n".join(f"- `{code}` ({kind.status}): {kind.title}. {kind.advice}" for code, kind in PROBLEMS.items()),
    }
    # The framework only sees JSON that is passed on as it is.
    _, told = msgspec.json.schema_components([ToldEvent], ref_template="#/components/schemas/{name}")
    schemas |= {name: schema for name, schema in told.items() if name not in schemas}
    schemas["LoggedEventOut"]["properties"]["data"] = {"$ref": "#/components/schemas/ToldEvent"}
    schemas["ProblemOut"]["properties"] |= _MEMBERS
    for name, description in _IN_AN_ORDER.items():
        schemas["OrderView"]["properties"][name]["description"] = description
    schemas["ProblemOut"]["properties"]["type"] = {"$ref": "#/components/schemas/ProblemType"}
    shared = document["components"].setdefault("examples", {})
    for path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            _never_null(parameter)
        _complete(path, operation, shared)
    add_links(document)
    return document


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, item[method]


def codes_of(operation: Json, path: str, status: int) -> list[str]:
    """The kinds of problem of this status that the operation may answer with."""
    has_key = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    return [
        code
        for code, problem in PROBLEMS.items()
        if problem.status == status
        and code not in NEVER_SENT
        and (code not in ONLY_OF or operation["operationId"] in ONLY_OF[code])
        and (code not in _WITH_KEY or has_key)
        and (code != "not-authenticated" or operation.get("security"))
        and (code not in _OF_ORDERS or "{order_id}" in path)
        and (code != "not-found" or "{" in path)
    ]


def _complete(path: str, operation: Json, shared: Json) -> None:
    """Puts the examples of problems, which come again and again, where they are `shared`."""
    name = operation["operationId"]
    operation["description"] = _in_words_of_http(operation["description"])
    for body in operation.get("requestBody", {}).get("content", {}).values():
        if name in REQUESTS:
            body["examples"] = _named(REQUESTS[name])
    if name in _RETURNS:
        operation["requestBody"]["required"] = False
    for status, response in operation["responses"].items():
        if headers := dict(_headers(operation, int(status))):
            response["headers"] = headers
        for media_type, content in response.get("content", {}).items():
            if media_type == PROBLEM_JSON:
                codes = codes_of(operation, path, int(status))
                shared |= {
                    code: example for code, example in _named(refusals(codes, path)).items() if code not in shared
                }
                content["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
                response["description"] = f"A problem: {', '.join(f'`{code}`' for code in codes)}."
            elif name in ANSWERS:
                content["examples"] = _named({"all went well": ANSWERS[name]})


def _never_null(parameter: Json) -> None:
    """An optional parameter is left out; the framework would describe it as one that may be null."""
    schema = parameter["schema"]
    if schema.get("default", ...) is None:
        del schema["default"]
    kinds = [kind for kind in schema.get("oneOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        del schema["oneOf"]
        parameter["schema"] = {**kinds[0], **schema}


def _in_words_of_http(description: str) -> str:
    """The docstring of a use case, with the kinds of problem for the errors that it raises."""
    told = _ERROR.sub(lambda name: f"`{_CODES[name[0]]}`", description)
    return told.replace("Raises", "May be refused with")


def _codes(kind: type[OrderServiceError]) -> Iterator[tuple[str, str]]:
    for each in kind.__subclasses__():
        yield each.__name__, each.code
        yield from _codes(each)


_CODES = dict(_codes(OrderServiceError))
_ERROR = re.compile(rf"\b({'|'.join(_CODES)})\b")


def _headers(operation: Json, status: int) -> Iterator[tuple[str, Json]]:
    """The headers of an answer that a client can do something with."""
    name = operation["operationId"]
    told = {parameter["name"] for parameter in operation.get("parameters", [])}
    if status < 400 and status != 202 and name in _WITH_VERSION:
        yield "ETag", _header("The version, for If-Match and If-None-Match.", '"3"')
    if status < 300 and "Idempotency-Key" in told:
        yield "Idempotent-Replayed", _header("`true` when this is the answer to an earlier request.", "true")
    if status == 201 and name in _PLACING:
        yield "Location", _header("Where the order is.", "/api/v1/orders/0197c2d4-8f10-7b63-a5c4-0e9d3b7f2a11")
    if status == 200 and "limit" in told:
        yield "Link", _header("Where the next page is, if there is one.", '</api/v1/orders?cursor=5m1m>; rel="next"')
    if status == 403 and operation.get("security"):
        yield (
            "WWW-Authenticate",
            _header("insufficient-scope: which one.", 'Bearer error="insufficient_scope", scope="orders:write"'),
        )
    if status == 401:
        yield "WWW-Authenticate", _header("How to authenticate.", "Bearer", required=True)
    if status in {429, 503}:
        yield "Retry-After", _header("When to try again, in seconds.", "17", required=True)
    if "429" in operation["responses"] and status not in {401, 500}:
        yield "RateLimit-Policy", _header("How often one may ask: q requests in w seconds.", '"orders";q=10;w=60')
        yield "RateLimit", _header("How many requests are left (r), for how many seconds (t).", '"orders";r=7;t=42')


def _header(description: str, example: str, *, required: bool = False) -> Json:
    return {"description": description, "required": required, "schema": {"type": "string"}, "example": example}


def _named(examples: Mapping[str, Any]) -> Json:
    return {
        name.replace(" ", "_").replace(",", ""): {"summary": name, "value": value} for name, value in examples.items()
    }
