"""The order is called off, whole or in part."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from order_service.domain import events
from order_service.domain.actor import Actor, ActorKind
from order_service.domain.errors import CancelWindowClosed, InvalidField, NotAllowed, OverCancellation
from order_service.domain.facts import Cancellation, OrderFacts
from order_service.domain.lifecycle import CancelReason, Operation, Status
from order_service.domain.lines import LineQuantity, quantities_of

_REASONS_OF_CUSTOMERS = (CancelReason.CUSTOMER_REQUEST, CancelReason.OTHER)


class Canceling(OrderFacts):
    """Until something has shipped, an order can be called off; until a thing has shipped, that thing can be."""

    __slots__ = ()

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
        if by.only_own and reason not in _REASONS_OF_CUSTOMERS:
            raise InvalidField("reason", f"of a customer must be {' or '.join(_REASONS_OF_CUSTOMERS)}.")
        self._end(reason, note=self._free_text("note", note), by=by, at=at)

    def cancel_lines(self, lines: Sequence[LineQuantity], *, reason: CancelReason, by: Actor, at: datetime) -> None:
        """Takes quantities out that will not be shipped; what was paid for them is owed back.

        If nothing is left to pay, or to ship, the order is PAID, SHIPPED or DELIVERED by that.
        Raises OverCancellation; InvalidField when nothing of the order would be left.
        """
        self._require(Operation.CANCEL_LINES, by, to=Status.CANCELED)
        taken = {
            entry.line_id: entry.quantity
            for entry in quantities_of(lines, self._not_shipped(), too_many=OverCancellation)
        }
        remaining = tuple(replace(line, canceled=line.canceled + taken.get(line.line_id, 0)) for line in self.lines)
        if not any(line.wanted for line in remaining):
            raise InvalidField("lines", "would leave nothing of the order. Leave them out to cancel the order.")
        before, owed_before = self.status, self.refund_due
        self.lines = remaining
        for line_id, quantity in taken.items():
            self._record(events.LineCanceled(line_id=str(line_id), quantity=quantity, reason=reason), by, at)
        self._record_what_follows(before, owed_before, by, at)

    def _end(self, reason: CancelReason, *, note: str, by: Actor, at: datetime) -> None:
        before, owed_before = self.status, self.refund_due
        self.cancellation = Cancellation(reason=reason, note=note, canceled_at=at)
        self._record(events.OrderCanceled(reason=reason), by, at)
        self._record_what_follows(before, owed_before, by, at)
