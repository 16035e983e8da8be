"""What is known of an order, and all that follows from it."""

from collections.abc import Mapping, Sequence, Set, Sized
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from order_service.domain import events
from order_service.domain.actor import Actor
from order_service.domain.errors import IllegalTransition, InvalidField, LimitReached, NotAllowed, TotalMismatch
from order_service.domain.events import Event
from order_service.domain.lifecycle import (
    ALLOWED,
    NEEDS,
    NEXT,
    PARTY_OF,
    CancelReason,
    FulfillmentStatus,
    Operation,
    PaymentStatus,
    ProcessingStatus,
    ReturnState,
    ReturnStatus,
    Status,
)
from order_service.domain.lines import Line, total_of
from order_service.domain.money import Money, sum_of
from order_service.domain.payments import Payment, Refund
from order_service.domain.recorded import Recorded
from order_service.domain.returns import Return, returned_quantities
from order_service.domain.shipments import Shipment, shipped_quantities
from order_service.domain.text import checked_text

MOST_OF_A_KIND = 100
"""Payments, refunds, shipments and returns that one order may have, of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    reason: CancelReason
    note: str
    canceled_at: datetime


@dataclass(slots=True, kw_only=True)
class OrderFacts:
    """The fields are facts, changed by the verbs alone: in `order.py`, `editing.py`, `paying.py`, `shipping.py`,
    `returning.py`, `canceling.py` and `redacting.py`.

    The properties are worked out from them and never kept. Times are aware UTC. `version` is the `seq` of the newest
    event, so it is 0 only until the order is placed. `paid_at` is when nothing was left to pay for the first time.
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
    refunds: tuple[Refund, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    returns: tuple[Return, ...] = ()
    paid_at: datetime | None = None
    cancellation: Cancellation | None = None
    redacted_at: datetime | None = None
    version: int = 0
    new_events: list[Recorded[Event]] = field(default_factory=list, repr=False)

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
        if self.refunded:
            return PaymentStatus.REFUNDED if self.refunded == self.captured else PaymentStatus.PARTIALLY_REFUNDED
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
        received = returned_quantities(self.returns)
        if received:
            all_back = all(received.get(line.line_id, 0) == line.wanted for line in self.lines)
            return ReturnStatus.RETURNED if all_back else ReturnStatus.PARTIAL
        asked = any(one.state is ReturnState.REQUESTED for one in self.returns)
        return ReturnStatus.REQUESTED if asked else ReturnStatus.NONE

    @property
    def total(self) -> Money:
        return total_of(self.lines, self.currency)

    @property
    def price(self) -> Money:
        """The total without what was canceled of single lines."""
        return Money(sum([line.unit_price.minor * line.wanted for line in self.lines]), self.currency)

    @property
    def cost(self) -> Money:
        """What the customer still has to bear: not what came back, and nothing once the order is canceled."""
        if self.cancellation is not None:
            return Money.zero(self.currency)
        if not self.returns:
            return self.price
        back = returned_quantities(self.returns)
        return self.price - sum_of(
            [line.unit_price * back[line.line_id] for line in self.lines if line.line_id in back], self.currency
        )

    @property
    def captured(self) -> Money:
        return sum_of([payment.amount for payment in self.payments], self.currency)

    @property
    def refunded(self) -> Money:
        return sum_of([refund.amount for refund in self.refunds], self.currency)

    @property
    def open_amount(self) -> Money:
        """Until it is paid, what went back is missing again; once it was, a refund is not asked for a second time."""
        kept = self.captured if self.paid_at else self.captured - self.refunded
        return max(self.cost - kept, Money.zero(self.currency))

    @property
    def refund_due(self) -> Money:
        return max(self.captured - self.refunded - self.cost, Money.zero(self.currency))

    @property
    def is_over(self) -> bool:
        """Nothing is left to be paid, to arrive, to come back or to be paid back."""
        coming_back = any(one.state is ReturnState.REQUESTED for one in self.returns)
        return self.status in (Status.DELIVERED, Status.CANCELED) and not self.refund_due and not coming_back

    def take_events(self) -> list[Recorded[Event]]:
        """The events since the order was placed or loaded; the next call gives only newer ones."""
        taken, self.new_events = self.new_events, []
        return taken

    def _not_shipped(self) -> dict[UUID, int]:
        """By line id: how many are wanted and have not left yet."""
        shipped = shipped_quantities(self.shipments)
        return {line.line_id: line.wanted - shipped.get(line.line_id, 0) for line in self.lines}

    # What every verb begins and ends with

    def _require(self, operation: Operation, by: Actor, *, to: Status | None = None) -> None:
        """Looks the operation up in the tables: whether `by` ever may, whether their token says so, and then whether
        it can be now.
        """
        if self.status not in self._open_to(by, operation):
            raise self._illegal(to or self.status, "" if to else f"Nobody can {operation} a {self.status} order.")

    def _open_to(self, by: Actor, operation: Operation) -> Set[Status]:
        statuses = ALLOWED[operation].get(PARTY_OF[by.kind])
        if statuses is None or by.only_own not in (None, self.customer_id):
            raise NotAllowed(f"A {by.kind} may not {operation} this order.")
        by.require(NEEDS[operation])
        return statuses

    def _illegal(self, to: Status, why: str = "") -> IllegalTransition:
        """`allowed` leaves out what shipped goods forbid, though the status alone would allow it."""
        allowed = [status for status in NEXT[self.status] if not (status is Status.CANCELED and self.shipments)]
        return IllegalTransition(from_=self.status, to=to, allowed=allowed, why=why)

    def _free_text(self, field: str, value: str) -> str:
        """`value`, of up to 500 characters. Raises InvalidField, also for any word on an order that is redacted."""
        if value and self.redacted_at is not None:
            raise InvalidField(field, "must be left out: the personal data of this order were erased.")
        return checked_text(field, value, shortest=0, longest=500)

    def _require_room(self, of: str, known: Sized) -> None:
        """Raises LimitReached: the whole order travels with each of its events."""
        if len(known) >= MOST_OF_A_KIND:
            raise LimitReached(of, MOST_OF_A_KIND)

    def _require_total(self, sent: str | None, lines: Sequence[Line]) -> None:
        """What the client takes for the total of `lines`, if it says so. Raises TotalMismatch, InvalidField."""
        if sent is None:
            return
        total, computed = Money.parse(sent, self.currency, field="total_price"), total_of(lines, self.currency)
        if total != computed:
            raise TotalMismatch(sent=str(total), computed=str(computed))

    def _record_what_follows(self, before: Status, owed_before: Money, by: Actor, at: datetime) -> None:
        """Tells of the statuses that the order came to since `before`, and of money that is owed back since."""
        life = (Status.PENDING, Status.PAID, Status.SHIPPED, Status.DELIVERED)
        now = self.status
        if before is not now and now in life:
            for reached in life[life.index(before) + 1 : life.index(now) + 1]:
                match reached:
                    case Status.PAID:
                        self.paid_at = at
                        self._record(events.OrderPaid(captured=str(self.captured)), by, at)
                    case Status.SHIPPED:
                        self._record(events.OrderShipped(), by, at)
                    case Status.DELIVERED:
                        self._record(events.OrderDelivered(), by, at)
        owed = self.refund_due
        if owed > owed_before:
            self._record(events.RefundDue(amount=str(owed)), by, at)

    def _record(self, event: Event, by: Actor, at: datetime) -> None:
        self.version += 1
        self.updated_at = at
        self.new_events.append(Recorded(seq=self.version, event=event, by=by, at=at))
