"""Every refusal of the service, as one tree.

    OrderServiceError
    ├── InvalidRequest              what was sent cannot be right, whatever the state
    │   ├── InvalidField            one value breaks a rule; names the field
    │   ├── CurrencyUnknown
    │   ├── TotalMismatch           the client's total differs from ours
    │   ├── CustomerUnknown
    │   ├── Overpayment
    │   ├── OverQuantity            more of a line than is left for it
    │   │   ├── OverShipment
    │   │   ├── OverCancellation
    │   │   └── OverReturn
    │   ├── RefundExceedsCaptured
    │   └── IdempotencyKeyReused    the same key came with another request
    ├── BadCursor                   a page cursor that we did not make, or not for this list
    ├── CursorExpired               a place in a log that is not there any more
    ├── NotAuthenticated            no token, or one that does not hold
    ├── InvalidGrant                what was given for a token does not hold
    │   ├── InvalidCredentials      unknown e-mail or wrong password: nobody learns which
    │   └── InvalidRefreshToken     used before, ended, expired or never ours: nobody learns which
    ├── InvalidClient               no such service, or not its secret: nobody learns which
    ├── InvalidScope                a token cannot be had for what was asked
    ├── NotAllowed                  we know who it is, and they may not
    │   ├── InsufficientScope       they may, but their token does not say so
    │   └── CancelWindowClosed
    ├── NotFound
    │   ├── OrderNotFound           absent, or somebody else's: nobody learns which
    │   ├── ShipmentNotFound
    │   ├── ReturnNotFound
    │   ├── AccountNotFound
    │   ├── ServiceNotFound
    │   ├── JobNotFound
    │   ├── DeadLetterNotFound
    │   └── SessionNotFound         absent, or somebody else's: nobody learns which
    ├── Conflict                    the state does not allow it
    │   ├── IllegalTransition
    │   ├── AlreadyProcessed
    │   ├── AlreadyPaid             money came in, so the lines stay as they are
    │   ├── LimitReached            an order is one message, and a message has an end
    │   ├── NothingToReturn         nothing has left, or all of it is on its way back
    │   ├── ReturnResolved
    │   ├── PaymentKnown
    │   ├── RefundKnown
    │   ├── EmailTaken
    │   ├── OwnRole                 so that there is always an administrator left
    │   ├── AccountChangedMeanwhile
    │   ├── ServiceNameTaken
    │   ├── OrdersOpen              an account cannot be erased while an order of its own is going on
    │   ├── LastAdmin               nobody would be left who may give others a role
    │   ├── LetterSettled           a dead letter was put back or dismissed before
    │   ├── LetterCut               too big to be kept whole, so it cannot be put back
    │   ├── LetterFromElsewhere     of no topic that is heard here, so there is nowhere to put it back
    │   ├── ExternalRefTaken
    │   ├── OrderNumberTaken        two orders drew the same number; the next draw will not
    │   ├── OrderChangedMeanwhile   a race was lost; loading again and retrying is right
    │   ├── IdempotencyKeyTaken     the race for a key was lost; the winner's answer is the answer
    │   └── MessageKnown            the race for a message was lost; it took effect already
    ├── BatchAborted                another item of an atomic batch failed, so this one was not done
    ├── VersionMismatch             the caller named a version that is not the newest
    ├── RateLimited
    ├── TooBusy                     more is waiting than can be worked on soon; trying again is right
    └── DependencyUnavailable       a service we stand on does not answer; trying again is right

`code` is stable and for programs; `str(error)` is for people; `details()` are the typed fields.
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import UUID


class OrderServiceError(Exception):
    code: ClassVar[str]

    def details(self) -> Mapping[str, object]:
        """The error's typed fields. A trailing underscore (`from_`) only keeps clear of a Python keyword."""
        return {name.rstrip("_"): value for name, value in vars(self).items()}


class InvalidRequest(OrderServiceError):
    code = "invalid-request"


class InvalidField(InvalidRequest):
    """`field` is a path in the caller's words, such as `lines[2].quantity`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class CurrencyUnknown(InvalidRequest):
    code = "currency-unknown"

    def __init__(self, currency: str, reason: str) -> None:
        super().__init__(f"{currency!r} {reason}")
        self.currency = currency


class TotalMismatch(InvalidRequest):
    code = "total-mismatch"

    def __init__(self, *, sent: str, computed: str) -> None:
        super().__init__(f"total_price is {sent}, but the lines add up to {computed}.")
        self.sent = sent
        self.computed = computed


class CustomerUnknown(InvalidRequest):
    code = "customer-unknown"

    def __init__(self, customer_id: UUID) -> None:
        super().__init__(f"No account has the id {customer_id}.")
        self.customer_id = customer_id


class Overpayment(InvalidRequest):
    code = "overpayment"

    def __init__(self, *, amount: str, open: str) -> None:
        super().__init__(f"A payment of {amount} is more than the {open} still open.")
        self.amount = amount
        self.open = open


class OverQuantity(InvalidRequest):
    """More of a line than is left for it."""

    _for_what: ClassVar[str]

    def __init__(self, line_id: UUID, quantity: int, left: int) -> None:
        super().__init__(f"Line {line_id} has {left} {self._for_what}, not {quantity}.")
        self.line_id = line_id
        self.quantity = quantity
        self.left = left


class OverShipment(OverQuantity):
    code = "over-shipment"
    _for_what = "left to ship"


class OverCancellation(OverQuantity):
    code = "over-cancellation"
    _for_what = "that can be canceled"


class OverReturn(OverQuantity):
    code = "over-return"
    _for_what = "that can be returned"


class RefundExceedsCaptured(InvalidRequest):
    code = "refund-exceeds-captured"

    def __init__(self, *, amount: str, left: str) -> None:
        super().__init__(f"A refund of {amount} is more than the {left} that came in and did not go back yet.")
        self.amount = amount
        self.left = left


class IdempotencyKeyReused(InvalidRequest):
    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Use a new key for a new request.")


class BadCursor(OrderServiceError):
    code = "bad-cursor"

    def __init__(self) -> None:
        super().__init__("The cursor was not made for this list. Start again without a cursor.")


class CursorExpired(OrderServiceError):
    code = "cursor-expired"

    def __init__(self) -> None:
        super().__init__("The log was restored from elsewhere since, or cut off behind this place in it. Begin anew.")


class NotAuthenticated(OrderServiceError):
    code = "not-authenticated"


class InvalidGrant(OrderServiceError):
    code = "invalid-grant"


class InvalidRefreshToken(InvalidGrant):
    def __init__(self) -> None:
        super().__init__("The refresh token does not hold any more. Log in again.")


class InvalidCredentials(InvalidGrant):
    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class InvalidClient(OrderServiceError):
    code = "invalid-client"

    def __init__(self) -> None:
        super().__init__("The client id or the client secret is wrong.")


class InvalidScope(OrderServiceError):
    """`grantable`: the scopes that could be had, separated by spaces."""

    code = "invalid-scope"

    def __init__(self, grantable: str) -> None:
        super().__init__(f"The scope must be some of: {grantable}.")
        self.grantable = grantable


class NotAllowed(OrderServiceError):
    code = "not-allowed"


class InsufficientScope(NotAllowed):
    """`scope`: what the token would have to have."""

    code = "insufficient-scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The access token must have the scope {scope}.")
        self.scope = scope


class CancelWindowClosed(NotAllowed):
    code = "cancel-window-closed"

    def __init__(self) -> None:
        super().__init__("The time in which a paid order can be canceled is over. Ask the shop instead.")


class NotFound(OrderServiceError):
    code = "not-found"


class OrderNotFound(NotFound):
    code = "order-not-found"

    def __init__(self) -> None:
        super().__init__("No such order.")


class ShipmentNotFound(NotFound):
    code = "shipment-not-found"

    def __init__(self, shipment_id: str) -> None:
        super().__init__("The order has no such shipment.")
        self.shipment_id = shipment_id


class ReturnNotFound(NotFound):
    code = "return-not-found"

    def __init__(self, return_id: str) -> None:
        super().__init__("The order has no such return.")
        self.return_id = return_id


class AccountNotFound(NotFound):
    code = "account-not-found"

    def __init__(self) -> None:
        super().__init__("No such account.")


class ServiceNotFound(NotFound):
    code = "service-not-found"

    def __init__(self) -> None:
        super().__init__("No such service.")


class JobNotFound(NotFound):
    code = "job-not-found"

    def __init__(self) -> None:
        super().__init__("No such dead job: it was tried again, or forgotten.")


class DeadLetterNotFound(NotFound):
    code = "dead-letter-not-found"

    def __init__(self) -> None:
        super().__init__("No such dead letter.")


class SessionNotFound(NotFound):
    code = "session-not-found"

    def __init__(self) -> None:
        super().__init__("No such session.")


class Conflict(OrderServiceError):
    code = "conflict"


class IllegalTransition(Conflict):
    """Says where the order is, what was asked, and where it may go from here."""

    code = "illegal-transition"

    def __init__(self, *, from_: str, to: str, allowed: Sequence[str], why: str = "") -> None:
        move = f"A {from_} order cannot become {to}." if from_ != to else f"The order is {from_} already."
        super().__init__(why or move)
        self.from_ = from_
        self.to = to
        self.allowed = list(allowed)


class AlreadyProcessed(Conflict):
    code = "already-processed"

    def __init__(self, processing_status: str) -> None:
        super().__init__(f"The order was screened already: it is {processing_status}.")
        self.processing_status = processing_status


class AlreadyPaid(Conflict):
    code = "already-paid"

    def __init__(self, captured: str) -> None:
        super().__init__(f"{captured} came in already, so the lines can only be canceled, not edited.")
        self.captured = captured


class LimitReached(Conflict):
    """`of`: payments, refunds, shipments or returns."""

    code = "limit-reached"

    def __init__(self, of: str, most: int) -> None:
        super().__init__(f"An order has at most {most} {of}.")
        self.of = of
        self.most = most


class NothingToReturn(Conflict):
    code = "nothing-to-return"

    def __init__(self, order_status: str) -> None:
        super().__init__("Nothing that has shipped is left to be returned.")
        self.order_status = order_status


class ReturnResolved(Conflict):
    code = "return-resolved"

    def __init__(self, state: str) -> None:
        super().__init__(f"The return is {state} already.")
        self.state = state


class PaymentKnown(Conflict):
    code = "payment-known"

    def __init__(self, payment_id: str) -> None:
        super().__init__("A payment with this payment_id is recorded on the order already.")
        self.payment_id = payment_id


class RefundKnown(Conflict):
    code = "refund-known"

    def __init__(self, refund_id: str) -> None:
        super().__init__("A refund with this refund_id is recorded on the order already.")
        self.refund_id = refund_id


class EmailTaken(Conflict):
    code = "email-taken"

    def __init__(self) -> None:
        super().__init__("An account with this e-mail address exists already.")


class OwnRole(Conflict):
    code = "own-role"

    def __init__(self) -> None:
        super().__init__("Nobody gives a role to themself. Ask another administrator.")


class AccountChangedMeanwhile(Conflict):
    code = "account-changed-meanwhile"

    def __init__(self) -> None:
        super().__init__("The account was changed by another request at the same moment. Try again.")


class ServiceNameTaken(Conflict):
    code = "service-name-taken"

    def __init__(self) -> None:
        super().__init__("A service with this name exists already.")


class OrdersOpen(Conflict):
    code = "orders-open"

    def __init__(self, open_orders: int) -> None:
        orders = "1 order is" if open_orders == 1 else f"{open_orders} orders are"
        super().__init__(
            f"{orders} still going on. Cancel what is not sent yet, and wait until the rest has arrived, and until "
            "returns and refunds are settled."
        )
        self.open_orders = open_orders


class LastAdmin(Conflict):
    code = "last-admin"

    def __init__(self) -> None:
        super().__init__("This is the last administrator's account. Make somebody else one first.")


class LetterSettled(Conflict):
    code = "letter-settled"

    def __init__(self) -> None:
        super().__init__("The dead letter was put back or dismissed before.")


class LetterCut(Conflict):
    code = "letter-cut"

    def __init__(self) -> None:
        super().__init__("The message was too big to be kept whole: send it again from where it came.")


class LetterFromElsewhere(Conflict):
    code = "letter-from-elsewhere"

    def __init__(self) -> None:
        super().__init__("The dead letter came from no topic that this service hears, so it cannot be put back.")


class ExternalRefTaken(Conflict):
    code = "external-ref-taken"

    def __init__(self) -> None:
        super().__init__("Another order of this customer has this external_ref.")


class OrderNumberTaken(Conflict):
    code = "order-number-taken"

    def __init__(self) -> None:
        super().__init__("Another order has this number. Try again.")


class OrderChangedMeanwhile(Conflict):
    code = "order-changed-meanwhile"

    def __init__(self) -> None:
        super().__init__("The order was changed by somebody else at the same moment. Try again.")


class IdempotencyKeyTaken(Conflict):
    code = "idempotency-key-taken"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is being answered. Try again.")


class MessageKnown(Conflict):
    code = "message-known"

    def __init__(self) -> None:
        super().__init__("This message took effect already.")


class BatchAborted(OrderServiceError):
    """`failed_item`: which one of the batch failed, counted from 0."""

    code = "batch-aborted"

    def __init__(self, failed_item: int) -> None:
        super().__init__(f"Not done, because item {failed_item} of this atomic batch failed.")
        self.failed_item = failed_item


class VersionMismatch(OrderServiceError):
    code = "version-mismatch"

    def __init__(self, current_version: int) -> None:
        super().__init__(f"It is at version {current_version} by now. Read it again before changing it.")
        self.current_version = current_version


class RateLimited(OrderServiceError):
    """`retry_after` in seconds, which are rounded up."""

    code = "rate-limited"

    def __init__(self, retry_after: float) -> None:
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(f"Too many requests. Try again in {self.retry_after} s.")


class TooBusy(OrderServiceError):
    """`retry_after` in seconds: when it may be worth trying again."""

    code = "too-busy"

    def __init__(self, *, retry_after: int = 1) -> None:
        super().__init__("Too many requests at this moment. Try again soon.")
        self.retry_after = retry_after


class DependencyUnavailable(OrderServiceError):
    """`retry_after` in seconds: when it may be worth trying again."""

    code = "dependency-unavailable"

    def __init__(self, dependency: str, *, retry_after: int = 1) -> None:
        super().__init__(f"{dependency} does not answer. Try again soon.")
        self.retry_after = retry_after

    @property
    def dependency(self) -> str:
        """Its name. No field of its own: those are told to whoever asked."""
        return str(self).partition(" ")[0]
