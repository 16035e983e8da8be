"""Cancel orders that nobody paid in time."""

from datetime import timedelta

from order_service.domain.actor import SYSTEM
from order_service.domain.errors import IllegalTransition
from order_service.domain.lifecycle import CancelReason
from order_service.ports import Clock, OrderViews
from order_service.use_cases.change_order import ChangeOrder, OrderChange


class ExpireUnpaidOrders:
    """The service itself. An order that is paid at the last moment stays; what was paid in part is owed back."""

    def __init__(self, views: OrderViews, change_order: ChangeOrder, clock: Clock) -> None:
        self._views = views
        self._change_order = change_order
        self._clock = clock

    async def __call__(self, *, limit: int = 100) -> int:
        """How many orders were canceled, of the `limit` that are overdue the longest."""
        expired = 0
        for order_id in await self._views.unpaid(pay_by_before=self._clock.now(), limit=limit):
            try:
                await self._change_order(
                    OrderChange(order_id=order_id, by=SYSTEM),
                    lambda order, now: order.cancel(
                        reason=CancelReason.EXPIRED, window=timedelta(0), by=SYSTEM, at=now
                    ),
                )
            except IllegalTransition:  # somebody paid between our look and our touch
                continue
            expired += 1
        return expired
