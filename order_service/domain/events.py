"""What can happen to an order, as facts in the past tense.

Flat, and free of personal data but for the reason of a refund: amounts are decimal texts, people are ids. The order
itself, as it is after the change, travels beside each event, so an event tells only what its name does not.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    type: ClassVar = "order.placed"
    total: str
    currency: str


@dataclass(frozen=True, slots=True)
class OrderProcessed:
    """`findings` are what screening would have refused the order for, had the goods not left already."""

    type: ClassVar = "order.processed"
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderRejected:
    type: ClassVar = "order.rejected"
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PaymentRecorded:
    type: ClassVar = "order.payment_recorded"
    payment_id: str
    amount: str
    method: str


@dataclass(frozen=True, slots=True)
class OrderPaid:
    type: ClassVar = "order.paid"
    captured: str


@dataclass(frozen=True, slots=True)
class ShipmentDispatched:
    """`quantities`: line id -> how many left."""

    type: ClassVar = "order.shipment_dispatched"
    shipment_id: str
    quantities: dict[str, int]


@dataclass(frozen=True, slots=True)
class OrderShipped:
    type: ClassVar = "order.shipped"


@dataclass(frozen=True, slots=True)
class ShipmentDelivered:
    type: ClassVar = "order.shipment_delivered"
    shipment_id: str


@dataclass(frozen=True, slots=True)
class OrderDelivered:
    type: ClassVar = "order.delivered"


@dataclass(frozen=True, slots=True)
class OrderCanceled:
    type: ClassVar = "order.canceled"
    reason: str


@dataclass(frozen=True, slots=True)
class LineCanceled:
    """`quantity` of the line will never be shipped."""

    type: ClassVar = "order.line_canceled"
    line_id: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrderEdited:
    """Other lines, and so another total, than before."""

    type: ClassVar = "order.edited"
    total: str


@dataclass(frozen=True, slots=True)
class OrderAmended:
    """`fields`: which of external_ref and metadata are different now."""

    type: ClassVar = "order.amended"
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReturnRequested:
    """`quantities`: line id -> how many are to come back."""

    type: ClassVar = "order.return_requested"
    return_id: str
    quantities: dict[str, int]


@dataclass(frozen=True, slots=True)
class ReturnReceived:
    type: ClassVar = "order.return_received"
    return_id: str
    quantities: dict[str, int]


@dataclass(frozen=True, slots=True)
class ReturnRefused:
    type: ClassVar = "order.return_refused"
    return_id: str


@dataclass(frozen=True, slots=True)
class OrderRefunded:
    type: ClassVar = "order.refunded"
    refund_id: str
    amount: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderRedacted:
    """The customer was erased: what is told of the order from now on is all that is known of it."""

    type: ClassVar = "order.redacted"


@dataclass(frozen=True, slots=True)
class RefundDue:
    """`amount` is all that is owed back from now on, not only what this change added."""

    type: ClassVar = "order.refund_due"
    amount: str


Event = (
    OrderPlaced
    | OrderProcessed
    | OrderRejected
    | PaymentRecorded
    | OrderPaid
    | ShipmentDispatched
    | OrderShipped
    | ShipmentDelivered
    | OrderDelivered
    | OrderCanceled
    | LineCanceled
    | OrderEdited
    | OrderAmended
    | ReturnRequested
    | ReturnReceived
    | ReturnRefused
    | OrderRefunded
    | RefundDue
    | OrderRedacted
)
