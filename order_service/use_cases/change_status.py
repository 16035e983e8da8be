"""The short way through an order's life: name the status it is to have."""

from datetime import timedelta

from order_service.domain.lifecycle import Status
from order_service.ports import Ids
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class ChangeStatus:
    """Pays the whole rest, ships the whole rest, delivers all that is under way, or cancels.

    The same people may do it as in the long way. Raises NotAllowed, IllegalTransition, CancelWindowClosed.
    """

    def __init__(self, change_order: ChangeOrder, ids: Ids, *, cancel_window: timedelta) -> None:
        self._change_order = change_order
        self._ids = ids
        self._cancel_window = cancel_window

    async def __call__(self, wanted: OrderChange, to: Status) -> Answer:
        fact_id = str(self._ids.new())
        return await self._change_order(
            wanted,
            lambda order, now: order.move_to(to, fact_id=fact_id, window=self._cancel_window, by=wanted.by, at=now),
        )
