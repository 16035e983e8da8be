"""The order: one consistency boundary, from placing to delivery or cancellation."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from order_service.domain import events
from order_service.domain.actor import Actor, ActorKind
from order_service.domain.errors import (
    AlreadyProcessed,
    CancelWindowClosed,
    IllegalTransition,
    InvalidField,
    NotAllowed,
    Overpayment,
    PaymentKnown,
    ShipmentNotFound,
    TotalMismatch,
)
from order_service.domain.facts import Cancellation, OrderFacts
from order_service.domain.lifecycle import (
    ALLOWED,
    MOVE_BY,
    NEXT,
    PARTY_OF,
    CancelReason,
    Operation,
    ProcessingStatus,
    Status,
)
from order_service.domain.lines import LineQuantity, LineRequest, priced_lines
from order_service.domain.money import Money
from order_service.domain.payments import Payment
from order_service.domain.shipments import Shipment, parcel, shipped_quantities
from order_service.domain.text import checked_metadata, checked_text


@dataclass(slots=True, kw_only=True)
class Order(OrderFacts):
    """Lines, money and parcels of one order, and what may still happen to it.

    It begins PENDING and QUEUED. Screening soon marks it PROCESSED, or REJECTED and so CANCELED. Money paid in
    full makes it PAID, the last parcel SHIPPED, the last delivery DELIVERED; until something has shipped it can be
    canceled, and what was paid is then owed back. Every change names who makes it (`by`) and when (`at`).

    A new order comes from `Order.place` alone. The plain constructor is the door for persistence, which gives back
    what it once took.
    """

    @classmethod
    def place(
        cls,
        *,
        id: UUID,
        number: str,
        customer_id: UUID,
        currency: str,
        lines: Sequence[LineRequest],
        by: Actor,
        at: datetime,
        pay_by: datetime,
        total_price: str | None = None,
        external_ref: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Self:
        """A new order, priced here; `total_price`, when given, must agree.

        Raises InvalidField, CurrencyUnknown, TotalMismatch, or NotAllowed for a customer who orders for another.
        """
        if by.only_own not in (None, customer_id) or by.kind is ActorKind.SYSTEM:
            raise NotAllowed("Only staff may place an order for another customer.")
        order = cls(
            id=id,
            number=number,
            customer_id=customer_id,
            currency=currency,
            lines=priced_lines(lines, currency),
            placed_at=at,
            updated_at=at,
            pay_by=pay_by,
            external_ref=None if external_ref is None else checked_text("external_ref", external_ref, longest=100),
            metadata=checked_metadata(metadata or {}),
        )
        if total_price is not None:
            sent = Money.parse(total_price, currency, field="total_price")
            if sent != order.total:
                raise TotalMismatch(sent=str(sent), computed=str(order.total))
        order._record(events.OrderPlaced(total=str(order.total), currency=currency), by, at)
        if order.status is Status.PAID:  # it costs nothing, so nobody will ever pay for it
            order._record(events.OrderPaid(captured=str(order.captured)), by, at)
        return order

    def process(self, findings: Sequence[str], *, by: Actor, at: datetime) -> None:
        """Ends screening: without findings PROCESSED, with any REJECTED and canceled.

        Screened already: nothing happens. Too late to stop it (shipped, canceled): PROCESSED, the findings noted.
        """
        self._require(Operation.PROCESS, by)
        if self.processing_status is not ProcessingStatus.QUEUED:
            return
        if not findings or self.shipments or self.cancellation:
            self.processing_status = ProcessingStatus.PROCESSED
            self._record(events.OrderProcessed(findings=tuple(findings)), by, at)
            return
        self.processing_status = ProcessingStatus.REJECTED
        self._record(events.OrderRejected(findings=tuple(findings)), by, at)
        self._end(CancelReason.REJECTED, note=" ".join(findings), by=by, at=at)

    def require_unprocessed(self, *, by: Actor) -> None:
        """Raises AlreadyProcessed when there is nothing left to screen, NotAllowed when `by` may not ask for it."""
        self._require(Operation.PROCESS, by)
        if self.processing_status is not ProcessingStatus.QUEUED:
            raise AlreadyProcessed(self.processing_status)

    def record_payment(self, *, payment_id: str, amount: Money, method: str, by: Actor, at: datetime) -> None:
        """Notes money that came in. Raises PaymentKnown, Overpayment, InvalidField.

        From the system it is a fact: too much or too late becomes refund due, and known already changes nothing.
        """
        is_fact = by.kind is ActorKind.SYSTEM
        self._open_to(by, Operation.RECORD_PAYMENT)
        if any(payment.payment_id == payment_id for payment in self.payments):
            if is_fact:
                return
            raise PaymentKnown(payment_id)
        self._require(Operation.RECORD_PAYMENT, by, to=Status.PAID)
        if amount.currency != self.currency:
            raise InvalidField("currency", f"must be {self.currency}, the order's.")
        if amount.minor <= 0:
            raise InvalidField("amount", "must be more than 0.")
        if amount > self.open_amount and not is_fact:
            raise Overpayment(amount=str(amount), open=str(self.open_amount))
        (self.captured + amount).within_range("amount")
        was_pending, owed_before = self.status is Status.PENDING, self.refund_due
        payment = Payment(
            payment_id=checked_text("payment_id", payment_id, longest=255),
            amount=amount,
            method=checked_text("method", method, longest=50),
            recorded_at=at,
        )
        self.payments = (*self.payments, payment)
        recorded = events.PaymentRecorded(payment_id=payment_id, amount=str(amount), method=method)
        self._record(recorded, by, at)
        if was_pending and self.status is Status.PAID:
            self._record(events.OrderPaid(captured=str(self.captured)), by, at)
        if self.refund_due > owed_before:
            self._record(events.RefundDue(amount=str(self.refund_due)), by, at)

    def ship(
        self,
        *,
        shipment_id: str,
        lines: Sequence[LineQuantity] | None = None,
        carrier: str | None = None,
        tracking: str | None = None,
        by: Actor,
        at: datetime,
    ) -> None:
        """Sends a parcel with `lines`, or with all that has not left yet. Raises OverShipment, InvalidField.

        A shipment that is known already changes nothing.
        """
        self._open_to(by, Operation.SHIP)
        if any(shipment.shipment_id == shipment_id for shipment in self.shipments):
            return
        self._require(Operation.SHIP, by, to=Status.SHIPPED)
        shipment = Shipment(
            shipment_id=checked_text("shipment_id", shipment_id, longest=255),
            lines=parcel(lines, self.lines, shipped_quantities(self.shipments)),
            carrier=None if carrier is None else checked_text("carrier", carrier, longest=100),
            tracking=None if tracking is None else checked_text("tracking", tracking, longest=255),
            dispatched_at=at,
        )
        self.shipments = (*self.shipments, shipment)
        quantities = {str(entry.line_id): entry.quantity for entry in shipment.lines}
        self._record(events.ShipmentDispatched(shipment_id=shipment_id, quantities=quantities), by, at)
        if self.status is Status.SHIPPED:
            self._record(events.OrderShipped(), by, at)

    def deliver(self, shipment_id: str, *, by: Actor, at: datetime) -> None:
        """Notes that a parcel arrived; once noted, nothing happens. Raises ShipmentNotFound."""
        self._require(Operation.DELIVER, by, to=Status.DELIVERED)
        shipment = next((known for known in self.shipments if known.shipment_id == shipment_id), None)
        if shipment is None:
            raise ShipmentNotFound(shipment_id)
        if shipment.delivered_at is not None:
            return
        delivered = replace(shipment, delivered_at=at)
        self.shipments = tuple(delivered if known is shipment else known for known in self.shipments)
        self._record(events.ShipmentDelivered(shipment_id=shipment_id), by, at)
        if self.status is Status.DELIVERED:
            self._record(events.OrderDelivered(), by, at)

    def cancel(self, *, reason: CancelReason, note: str = "", window: timedelta, by: Actor, at: datetime) -> None:
        """Calls the order off; what was paid is owed back. Canceled already: nothing happens.

        The customer may cancel a paid order for `window` after it was paid (CancelWindowClosed), the system only
        an order that nobody paid in time (NotAllowed), and nobody one of which something has shipped.
        """
        self._require(Operation.CANCEL, by, to=Status.CANCELED)
        if self.status is Status.CANCELED:
            return
        if self.shipments:
            raise self._illegal(Status.CANCELED, "Something has shipped already, so the order cannot be canceled.")
        if by.only_own and self.paid_at and at > self.paid_at + window:
            raise CancelWindowClosed
        if by.kind is ActorKind.SYSTEM and at < self.pay_by:
            raise NotAllowed("The time to pay is not over yet.")
        self._end(reason, note=checked_text("note", note, shortest=0, longest=500), by=by, at=at)

    def move_to(self, to: Status, *, fact_id: str, window: timedelta, by: Actor, at: datetime) -> None:
        """The short way: pay the whole rest, ship the whole rest, deliver all that is under way, or cancel.

        `fact_id` names the payment or shipment this makes. Where the order is already: nothing happens.
        """
        if to not in MOVE_BY:
            raise self._illegal(to)
        self._open_to(by, MOVE_BY[to])
        if to is self.status:
            return
        if to not in NEXT[self.status]:
            raise self._illegal(to)
        match to:
            case Status.PAID:
                self.record_payment(payment_id=fact_id, amount=self.open_amount, method="OTHER", by=by, at=at)
            case Status.SHIPPED:
                self.ship(shipment_id=fact_id, by=by, at=at)
            case Status.DELIVERED:
                for shipment in self.shipments:
                    self.deliver(shipment.shipment_id, by=by, at=at)
            case Status.CANCELED:
                self.cancel(reason=CancelReason.OTHER, window=window, by=by, at=at)

    def take_events(self) -> list[events.Recorded]:
        """The events since the order was placed or loaded; the next call gives only newer ones."""
        taken, self.new_events = self.new_events, []
        return taken

    # How it keeps its rules

    def _end(self, reason: CancelReason, *, note: str, by: Actor, at: datetime) -> None:
        self.cancellation = Cancellation(reason=reason, note=note, canceled_at=at)
        self._record(events.OrderCanceled(reason=reason), by, at)
        if self.refund_due:
            self._record(events.RefundDue(amount=str(self.refund_due)), by, at)

    def _require(self, operation: Operation, by: Actor, *, to: Status | None = None) -> None:
        """Looks the operation up in the transition table: first whether `by` ever may, then whether it can be now."""
        if self.status not in self._open_to(by, operation):
            raise self._illegal(to or self.status)

    def _open_to(self, by: Actor, operation: Operation) -> Set[Status]:
        statuses = ALLOWED[operation].get(PARTY_OF[by.kind])
        if statuses is None or by.only_own not in (None, self.customer_id):
            raise NotAllowed(f"A {by.kind} may not {operation} this order.")
        return statuses

    def _illegal(self, to: Status, why: str = "") -> IllegalTransition:
        """`allowed` leaves out what shipped goods forbid, though the status alone would allow it."""
        allowed = [status for status in NEXT[self.status] if not (status is Status.CANCELED and self.shipments)]
        return IllegalTransition(from_=self.status, to=to, allowed=allowed, why=why)

    def _record(self, event: events.Event, by: Actor, at: datetime) -> None:
        self.version += 1
        self.updated_at = at
        self.new_events.append(events.Recorded(seq=self.version, event=event, by=by, at=at))
