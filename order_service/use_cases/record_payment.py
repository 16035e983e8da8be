"""Record a payment."""

from order_service.domain.money import Money
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class RecordPayment:
    """Staff and services note money that came in; in full, it makes the order PAID.

    Raises NotAllowed, IllegalTransition, PaymentKnown, Overpayment, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(
        self, wanted: OrderChange, *, payment_id: str, amount: str, method: str, currency: str | None = None
    ) -> Answer:
        """`amount` is a decimal text in `currency`, which is the order's when not given, and must be in any case."""
        return await self._change_order(
            wanted,
            lambda order, now: order.record_payment(
                payment_id=payment_id,
                amount=Money.parse(amount, currency or order.currency, field="amount"),
                method=method,
                by=wanted.by,
                at=now,
            ),
        )
