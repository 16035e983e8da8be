"""Cancel orders that nobody paid in time."""

from datetime import timedelta

from order_service.domain.actor import SYSTEM
from order_service.domain.lifecycle import CancelReason
from order_service.ports import Clock, OrderCache, Transactions


class ExpireUnpaidOrders:
    """The service itself. What was paid in part is owed back.

    Each order is claimed before it is looked at, so a payment at the last moment comes before or after, and any
    number of these may run side by side.
    """

    def __init__(self, transactions: Transactions, cache: OrderCache, clock: Clock) -> None:
        self._transactions = transactions
        self._cache = cache
        self._clock = clock

    async def __call__(self, *, limit: int = 100) -> int:
        """How many orders were canceled: at most `limit`, those that are overdue the longest."""
        for expired in range(limit):
            if not await self._expire_one():
                return expired
        return limit

    async def _expire_one(self) -> bool:
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            order = await tx.orders.claim_unpaid(pay_by_before=now)
            if order is None:
                return False
            order.cancel(reason=CancelReason.EXPIRED, window=timedelta(0), by=SYSTEM, at=now)
            canceled = tx.orders.save(order)
            await tx.commit()
        await self._cache.put(canceled)
        return True
