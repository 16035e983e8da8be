"""Cancel lines of an order, or a part of their quantities."""

from collections.abc import Sequence

from order_service.domain.lifecycle import CancelReason
from order_service.domain.lines import LineQuantity
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class CancelLines:
    """Staff take out what will not be shipped; what was paid for it is owed back. The order itself goes on.

    Raises NotAllowed, IllegalTransition, OverCancellation, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(self, wanted: OrderChange, *, lines: Sequence[LineQuantity], reason: CancelReason) -> Answer:
        return await self._change_order(
            wanted, lambda order, now: order.cancel_lines(lines, reason=reason, by=wanted.by, at=now)
        )
