"""Take the orders of those who were erased, and make them tell nothing of them."""

from uuid import UUID

from order_service.domain.actor import SYSTEM
from order_service.ports import Clock, OrderCache, Transactions

_AT_ONCE = 50


class FinishErasures:
    """The service itself. Goes on wherever it was interrupted, and any number of these may run side by side.

    An order, its row and all its events, is redacted in one transaction, which everybody hears of as of any change:
    a new version, and the event `order.redacted`.
    """

    def __init__(self, transactions: Transactions, cache: OrderCache, clock: Clock) -> None:
        self._transactions = transactions
        self._cache = cache
        self._clock = clock

    async def __call__(self, *, limit: int = 1_000) -> int:
        """How many orders were redacted: about `limit` at most, so that other chores are not kept waiting."""
        async with self._transactions.begin() as tx:
            unfinished = await tx.erasing.unfinished()
        redacted = 0
        for account_id in unfinished:
            redacted += await self.of(account_id, limit=limit - redacted)
            if redacted >= limit:
                break
        return redacted

    async def of(self, account_id: UUID, *, limit: int | None = None) -> int:
        """The same for one account; without a `limit` until its erasure is finished."""
        redacted = 0
        while limit is None or redacted < limit:
            some = await self._some(account_id)
            if not some:
                break
            redacted += some
        return redacted

    async def _some(self, account_id: UUID) -> int:
        async with self._transactions.begin() as tx:
            orders = await tx.erasing.next_orders(account_id, limit=_AT_ONCE)
            for order in orders:
                order.redact(by=SYSTEM, at=self._clock.now())
            redacted = [tx.orders.save(order) for order in orders]
            await tx.erasing.rewrite(account_id, orders)
            await tx.commit()
        for one in redacted:
            await self._cache.put(one)
        return len(redacted)
