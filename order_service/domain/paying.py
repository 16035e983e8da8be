"""Money comes in, and goes back."""

from datetime import datetime

from order_service.domain import events
from order_service.domain.actor import Actor
from order_service.domain.errors import InvalidField, Overpayment, PaymentKnown, RefundExceedsCaptured, RefundKnown
from order_service.domain.facts import OrderFacts
from order_service.domain.lifecycle import Operation, Status
from order_service.domain.money import Money
from order_service.domain.payments import Payment, Refund
from order_service.domain.text import checked_text


class Paying(OrderFacts):
    """What other systems or staff tell is noted. Too much, or too late, is refused from staff only."""

    __slots__ = ()

    def record_payment(self, *, payment_id: str, amount: Money, method: str, by: Actor, at: datetime) -> None:
        """Notes money that came in. Raises PaymentKnown, Overpayment, InvalidField.

        From another system, or ourselves, it is a fact: too much or too late becomes refund due, and known already
        changes nothing.
        """
        is_fact = by.tells_facts
        self._open_to(by, Operation.RECORD_PAYMENT)
        if any(payment.payment_id == payment_id for payment in self.payments):
            if is_fact:
                return
            raise PaymentKnown(payment_id)
        self._require(Operation.RECORD_PAYMENT, by, to=Status.PAID)
        self._require_amount(amount)
        if amount > self.open_amount and not is_fact:
            raise Overpayment(amount=str(amount), open=str(self.open_amount))
        (self.captured + amount).within_range("amount")
        self._require_room("payments", self.payments)
        before, owed_before = self.status, self.refund_due
        payment = Payment(
            payment_id=checked_text("payment_id", payment_id, longest=255),
            amount=amount,
            method=checked_text("method", method, longest=50),
            recorded_at=at,
        )
        self.payments = (*self.payments, payment)
        recorded = events.PaymentRecorded(payment_id=payment_id, amount=str(amount), method=method)
        self._record(recorded, by, at)
        self._record_what_follows(before, owed_before, by, at)

    def record_refund(self, *, refund_id: str, amount: Money, reason: str, by: Actor, at: datetime) -> None:
        """Notes money that went back. Raises RefundKnown, RefundExceedsCaptured, InvalidField.

        From another system, or ourselves, one that is known already changes nothing.
        """
        self._require(Operation.RECORD_REFUND, by)
        if any(refund.refund_id == refund_id for refund in self.refunds):
            if by.tells_facts:
                return
            raise RefundKnown(refund_id)
        self._require_amount(amount)
        left = self.captured - self.refunded
        if amount > left:
            raise RefundExceedsCaptured(amount=str(amount), left=str(left))
        self._require_room("refunds", self.refunds)
        refund = Refund(
            refund_id=checked_text("refund_id", refund_id, longest=255),
            amount=amount,
            reason=self._free_text("reason", reason),
            recorded_at=at,
        )
        self.refunds = (*self.refunds, refund)
        self._record(events.OrderRefunded(refund_id=refund_id, amount=str(amount), reason=reason), by, at)

    def _require_amount(self, amount: Money) -> None:
        if amount.currency != self.currency:
            raise InvalidField("currency", f"must be {self.currency}, the order's.")
        if amount.minor <= 0:
            raise InvalidField("amount", "must be more than 0.")
