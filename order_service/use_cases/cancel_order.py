"""Cancel an order."""

from order_service.domain.lifecycle import CancelReason
from order_service.domain.rules import ShopRules
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class CancelOrder:
    """The customer until shortly after paying, staff until something has shipped; money that came in is owed back.

    Raises NotAllowed, IllegalTransition, CancelWindowClosed, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder, rules: ShopRules) -> None:
        self._change_order = change_order
        self._rules = rules

    async def __call__(self, wanted: OrderChange, *, reason: CancelReason, note: str = "") -> Answer:
        return await self._change_order(
            wanted,
            lambda order, now: order.cancel(
                reason=reason, note=note, window=self._rules.cancel_window, by=wanted.by, at=now
            ),
        )
