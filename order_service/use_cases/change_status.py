"""The short way through an order's life: name the status it is to have."""

from order_service.domain.lifecycle import Status
from order_service.domain.rules import ShopRules
from order_service.ports import Ids
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class ChangeStatus:
    """Pays the whole rest, ships the whole rest, delivers all that is under way, or cancels.

    The same people may do it as in the long way. Raises NotAllowed, IllegalTransition, CancelWindowClosed.
    """

    def __init__(self, change_order: ChangeOrder, ids: Ids, rules: ShopRules) -> None:
        self._change_order = change_order
        self._ids = ids
        self._rules = rules

    async def __call__(self, wanted: OrderChange, to: Status) -> Answer:
        fact_id = str(self._ids.new())
        return await self._change_order(
            wanted,
            lambda order, now: order.move_to(
                to, fact_id=fact_id, window=self._rules.cancel_window, by=wanted.by, at=now
            ),
        )
