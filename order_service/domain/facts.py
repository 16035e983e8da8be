"""What is known of an order, and all that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from order_service.domain.events import Recorded
from order_service.domain.lifecycle import (
    CancelReason,
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.domain.lines import Line, total_of
from order_service.domain.money import Money, sum_of
from order_service.domain.payments import Payment
from order_service.domain.shipments import Shipment, shipped_quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    reason: CancelReason
    note: str
    canceled_at: datetime


@dataclass(slots=True, kw_only=True)
class OrderFacts:
    """The fields are facts, changed by `Order` alone; the properties are worked out from them, and never stored here.

    Times are aware UTC. `version` is the `seq` of the newest event, so it is 0 only until the order is placed.
    """

    id: UUID
    number: str
    customer_id: UUID
    currency: str
    lines: tuple[Line, ...]
    placed_at: datetime
    updated_at: datetime
    pay_by: datetime
    external_ref: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    processing_status: ProcessingStatus = ProcessingStatus.QUEUED
    payments: tuple[Payment, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    cancellation: Cancellation | None = None
    version: int = 0
    new_events: list[Recorded] = field(default_factory=list, repr=False)

    @property
    def status(self) -> Status:
        if self.cancellation is not None:
            return Status.CANCELED
        match self.fulfillment_status:
            case FulfillmentStatus.DELIVERED:
                return Status.DELIVERED
            case FulfillmentStatus.SHIPPED:
                return Status.SHIPPED
        return Status.PENDING if self.open_amount else Status.PAID

    @property
    def payment_status(self) -> PaymentStatus:
        if self.captured >= self.price:
            return PaymentStatus.PAID
        return PaymentStatus.PARTIALLY_PAID if self.captured else PaymentStatus.UNPAID

    @property
    def fulfillment_status(self) -> FulfillmentStatus:
        if not self.shipments:
            return FulfillmentStatus.UNFULFILLED
        shipped = shipped_quantities(self.shipments)
        if any(shipped.get(line.line_id, 0) < line.wanted for line in self.lines):
            return FulfillmentStatus.PARTIAL
        if any(shipment.delivered_at is None for shipment in self.shipments):
            return FulfillmentStatus.SHIPPED
        return FulfillmentStatus.DELIVERED

    @property
    def return_status(self) -> ReturnStatus:
        return ReturnStatus.NONE

    @property
    def total(self) -> Money:
        return total_of(self.lines, self.currency)

    @property
    def price(self) -> Money:
        """The total without what was canceled of single lines."""
        return sum_of([line.unit_price * line.wanted for line in self.lines], self.currency)

    @property
    def cost(self) -> Money:
        """What the customer still has to bear: nothing once the order is canceled."""
        return self.price if self.cancellation is None else Money.zero(self.currency)

    @property
    def captured(self) -> Money:
        return sum_of([payment.amount for payment in self.payments], self.currency)

    @property
    def refunded(self) -> Money:
        return Money.zero(self.currency)

    @property
    def open_amount(self) -> Money:
        return max(self.cost - self.captured, Money.zero(self.currency))

    @property
    def paid_at(self) -> datetime | None:
        """When the money that completed the price came in (for an order that costs nothing: at once)."""
        captured = Money.zero(self.currency)
        if captured >= self.price:
            return self.placed_at
        for payment in self.payments:
            captured += payment.amount
            if captured >= self.price:
                return payment.recorded_at
        return None

    @property
    def refund_due(self) -> Money:
        return max(self.captured - self.refunded - self.cost, Money.zero(self.currency))
