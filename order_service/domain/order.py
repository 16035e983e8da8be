"""The order: one consistency boundary, from placing to delivery or cancellation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from order_service.domain import events
from order_service.domain.actor import Actor, ActorKind, Scope
from order_service.domain.canceling import Canceling
from order_service.domain.editing import Editing
from order_service.domain.errors import AlreadyProcessed, NotAllowed
from order_service.domain.lifecycle import MOVE_BY, NEXT, CancelReason, Operation, ProcessingStatus, Status
from order_service.domain.lines import LineRequest, priced_lines
from order_service.domain.money import Money
from order_service.domain.paying import Paying
from order_service.domain.redacting import Redacting
from order_service.domain.returning import Returning
from order_service.domain.shipping import Shipping
from order_service.domain.text import checked_external_ref, checked_metadata


@dataclass(slots=True, kw_only=True)
class Order(Editing, Paying, Shipping, Returning, Canceling, Redacting):
    """Lines, money, parcels and returns of one order, and what may still happen to it.

    It begins PENDING and QUEUED. Screening soon marks it PROCESSED, or REJECTED and so CANCELED. Money paid in
    full makes it PAID, the last parcel SHIPPED, the last delivery DELIVERED; until something has shipped it can be
    canceled, and what was paid is then owed back; what has shipped can be returned, and is owed back when it
    is received. Every change names who makes it (`by`) and when (`at`).

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

        Raises InvalidField, CurrencyUnknown, TotalMismatch, InsufficientScope, or NotAllowed for a customer who
        orders for another.
        """
        if by.only_own not in (None, customer_id) or by.kind is ActorKind.SYSTEM:
            raise NotAllowed("Only staff and services may place an order for another customer.")
        by.require(Scope.ORDERS_WRITE)
        order = cls(
            id=id,
            number=number,
            customer_id=customer_id,
            currency=currency,
            lines=priced_lines(lines, currency),
            placed_at=at,
            updated_at=at,
            pay_by=pay_by,
            external_ref=checked_external_ref(external_ref),
            metadata=checked_metadata(metadata or {}),
        )
        order._require_total(total_price, order.lines)
        order._record(events.OrderPlaced(total=str(order.total), currency=currency), by, at)
        # What costs nothing is paid: nobody will ever pay for it.
        order._record_what_follows(Status.PENDING, Money.zero(currency), by, at)
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
                reason = CancelReason.CUSTOMER_REQUEST if by.only_own else CancelReason.OTHER
                self.cancel(reason=reason, window=window, by=by, at=at)
