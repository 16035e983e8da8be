"""What every change of an order has in common: whose it is, on which version, and that it happens once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.domain.errors import IdempotencyKeyTaken, OrderChangedMeanwhile, VersionMismatch
from order_service.domain.order import Order
from order_service.ports import Clock, OrderCache, OrderViews, Transactions
from order_service.use_cases.idempotency import Answer, IdempotencyKey, first_answer, remember_answer

Change = Callable[[Order, datetime], None]
"""Changes the order, at the given time, or raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """Who wants to change which order, and on what conditions.

    `expected_versions`: the change is meant for the order at one of these; None for whatever it is at.
    `idempotency_key`: it is to happen once, however often it is asked for.
    """

    order_id: UUID
    by: Actor
    expected_versions: frozenset[int] | None = None
    idempotency_key: IdempotencyKey | None = None


class ChangeOrder:
    """Loads the order, changes it, and commits order, events and the key's record together.

    A change that is a race's loser is made again on the newest version. Raises OrderNotFound (absent, or another
    customer's), VersionMismatch, IdempotencyKeyReused, and what the change itself raises.
    """

    def __init__(self, transactions: Transactions, views: OrderViews, cache: OrderCache, clock: Clock) -> None:
        self._transactions = transactions
        self._views = views
        self._cache = cache
        self._clock = clock

    async def __call__(self, wanted: OrderChange, change: Change) -> Answer:
        try:
            return await self._attempt(wanted, change)
        except (OrderChangedMeanwhile, IdempotencyKeyTaken):
            # Nobody can win against a lock, and by now the key's record can be read: twice is always enough.
            return await self._attempt(wanted, change, lock=True)

    async def _attempt(self, wanted: OrderChange, change: Change, *, lock: bool = False) -> Answer:
        async with self._transactions.begin() as tx:
            answer = await first_answer(tx, self._views, wanted.by, wanted.idempotency_key)
            if answer is not None:
                return answer
            order = await tx.orders.get(wanted.order_id, only_of=wanted.by.only_own, lock=lock)
            if wanted.expected_versions is not None and order.version not in wanted.expected_versions:
                raise VersionMismatch(order.version)
            change(order, self._clock.now())
            changed = tx.orders.save(order)
            remember_answer(tx, wanted.by, wanted.idempotency_key, changed)
            await tx.commit()
        await self._cache.put(changed)
        return Answer(changed)
