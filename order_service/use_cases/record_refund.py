"""Record a refund."""

from order_service.domain.money import Money
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class RecordRefund:
    """Staff and services note money that went back, up to what came in.

    Raises NotAllowed, RefundKnown, RefundExceedsCaptured, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(
        self, wanted: OrderChange, *, refund_id: str, amount: str, reason: str = "", currency: str | None = None
    ) -> Answer:
        """`amount` is a decimal text in `currency`, which is the order's when not given, and must be in any case."""
        return await self._change_order(
            wanted,
            lambda order, now: order.record_refund(
                refund_id=refund_id,
                amount=Money.parse(amount, currency or order.currency, field="amount"),
                reason=reason,
                by=wanted.by,
                at=now,
            ),
        )
