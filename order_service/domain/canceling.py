"""The order is called off."""

from datetime import datetime, timedelta

from order_service.domain import events
from order_service.domain.actor import Actor, ActorKind
from order_service.domain.errors import CancelWindowClosed, NotAllowed
from order_service.domain.facts import Cancellation, OrderFacts
from order_service.domain.lifecycle import CancelReason, Operation, Status
from order_service.domain.text import checked_text


class Canceling(OrderFacts):
    """Until something has shipped, an order can be called off; what was paid is then owed back."""

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
        self._end(reason, note=checked_text("note", note, shortest=0, longest=500), by=by, at=at)

    def _end(self, reason: CancelReason, *, note: str, by: Actor, at: datetime) -> None:
        self.cancellation = Cancellation(reason=reason, note=note, canceled_at=at)
        self._record(events.OrderCanceled(reason=reason), by, at)
        if self.refund_due:
            self._record(events.RefundDue(amount=str(self.refund_due)), by, at)
