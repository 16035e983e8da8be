"""An example of each kind of problem, as the error that it comes from tells it."""

from collections.abc import Iterable, Mapping

from adapters.http.example_order import CUSTOMER_ID, MUG, ORDER_ID, RETURN_ID, SESSION_ID, SHIPMENT_ID, Json, as_json
from adapters.http.problems import PROBLEMS, members_of, problem_document
from order_service.domain import errors

_REQUEST_ID = "3f0c9a5be1d24c7f8a6b5d4e3c2b1a09"

REFUSALS: list[errors.OrderServiceError] = [
    errors.InvalidField("lines[0].quantity", "must be at least 1."),
    errors.CurrencyUnknown("ABC", "is no currency of ISO 4217."),
    errors.TotalMismatch(sent="13.00", computed="13.50"),
    errors.CustomerUnknown(CUSTOMER_ID),
    errors.Overpayment(amount="20.00", open="13.50"),
    errors.OverShipment(MUG, 4, 3),
    errors.OverCancellation(MUG, 4, 3),
    errors.OverReturn(MUG, 4, 3),
    errors.RefundExceedsCaptured(amount="20.00", left="13.50"),
    errors.IdempotencyKeyReused(),
    errors.BadCursor(),
    errors.CursorExpired(),
    errors.NotAuthenticated("The token is not one of this service, or has expired."),
    errors.InvalidCredentials(),
    errors.InvalidClient(),
    errors.InvalidScope("orders:read orders:write accounts:read accounts:write"),
    errors.NotAllowed("A customer may not ship an order."),
    errors.InsufficientScope("orders:write"),
    errors.CancelWindowClosed(),
    errors.OrderNotFound(),
    errors.ShipmentNotFound(SHIPMENT_ID),
    errors.ReturnNotFound(RETURN_ID),
    errors.AccountNotFound(),
    errors.ServiceNotFound(),
    errors.SessionNotFound(),
    errors.IllegalTransition(from_="SHIPPED", to="CANCELED", allowed=["DELIVERED"]),
    errors.AlreadyProcessed("PROCESSED"),
    errors.AlreadyPaid("13.50"),
    errors.NothingToReturn("SHIPPED"),
    errors.LimitReached("returns", 100),
    errors.ReturnResolved("REFUSED"),
    errors.PaymentKnown("pay_8841"),
    errors.RefundKnown("ref_8841"),
    errors.EmailTaken(),
    errors.OwnRole(),
    errors.AccountChangedMeanwhile(),
    errors.ServiceNameTaken(),
    errors.OrdersOpen(2),
    errors.LastAdmin(),
    errors.ExternalRefTaken(),
    errors.OrderNumberTaken(),
    errors.OrderChangedMeanwhile(),
    errors.IdempotencyKeyTaken(),
    errors.MessageKnown(),
    errors.VersionMismatch(4),
    errors.RateLimited(17),
    errors.TooBusy(),
    errors.DependencyUnavailable("PostgreSQL"),
    errors.BatchAborted(1),
    errors.JobNotFound(),
    errors.DeadLetterNotFound(),
    errors.LetterSettled(),
    errors.LetterCut(),
    errors.LetterFromElsewhere(),
]
_OF_THE_EDGE = {
    "malformed-request": "The body is not valid JSON: Input data was truncated.",
    "unsupported-grant-type": "The grant_type must be password, refresh_token or client_credentials.",
    "not-found": "There is nothing at this address.",
    "method-not-allowed": "Method Not Allowed",
    "origin-not-allowed": "Web pages of this origin may not call the API from a browser.",
    "conflict": "The state does not allow it.",
    "payload-too-large": "Request Entity Too Large",
    "unsupported-media-type": "The content type must be application/json.",
    "internal-error": "Something went wrong on our side.",
}


def refusal(code: str, instance: str) -> Json:
    error = next((error for error in REFUSALS if error.code == code), None)
    detail, members = (_OF_THE_EDGE[code], {}) if error is None else (str(error), members_of(error))
    return as_json(problem_document(code, detail, members, instance=instance, request_id=_REQUEST_ID))


def refusals(codes: Iterable[str], path: str) -> Mapping[str, Json]:
    """Code -> a problem document as it might come from `path`, in which the parameters get values."""
    values = {
        "account_id": CUSTOMER_ID,
        "order_id": ORDER_ID,
        "shipment_id": SHIPMENT_ID,
        "return_id": RETURN_ID,
        "session_id": SESSION_ID,
    }
    return {code: refusal(code, path.format_map(values)) for code in codes}


UNTOLD = PROBLEMS.keys() - {error.code for error in REFUSALS} - _OF_THE_EDGE.keys()
"""Kinds of problem without an example: there should be none."""
