"""What every change of an order has in common: whose it is, on which version, and that it happens once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.domain.errors import (
    AccountNotFound,
    IdempotencyKeyTaken,
    MessageKnown,
    OrderChangedMeanwhile,
    OrderNotFound,
    VersionMismatch,
)
from order_service.domain.order import Order
from order_service.ports import Clock, OrderCache, OrderViews, Transaction, Transactions
from order_service.use_cases.idempotency import (
    Answer,
    ConsumedMessage,
    IdempotencyKey,
    answered_before,
    consumed_before,
    first_answer,
    remember_answer,
    remember_message,
)
from order_service.views import RenderedOrder

Change = Callable[[Order, datetime], None]
"""Changes the order, at the given time, or raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """Who wants to change which order, and on what conditions.

    `expected_versions`: the change is meant for the order at one of these; None for whatever it is at. `dry_run`:
    it is only to be said what would come of it.
    `idempotency_key`: it is to happen once, however often it is asked for. `message`: the same, for a message.
    """

    order_id: UUID
    by: Actor
    expected_versions: frozenset[int] | None = None
    idempotency_key: IdempotencyKey | None = None
    message: ConsumedMessage | None = None
    dry_run: bool = False


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
        except (OrderChangedMeanwhile, IdempotencyKeyTaken, MessageKnown):
            # Nobody can win against a lock, and by now the other's record can be read: twice is always enough, unless
            # the same key races on another order at this very moment.
            return await self._attempt(wanted, change, lock=True)

    async def _attempt(self, wanted: OrderChange, change: Change, *, lock: bool = False) -> Answer:
        async with self._transactions.begin() as tx:
            order = await tx.orders.get(wanted.order_id, only_of=wanted.by.only_own, lock=lock)
            # Only now, after the order: else a twin that took effect in between is seen in the order and not here.
            answered = await answered_before(tx, wanted.by, wanted.idempotency_key)
            consumed = await consumed_before(tx, wanted.message)
            if answered is None and not consumed:
                changed = await self._make(tx, order, wanted, change)
        # Only now, after the transaction, which holds a connection while a view takes another.
        if answered is None and not consumed:
            if not wanted.dry_run:
                await self._cache.put(changed)
            return Answer(changed)
        newest = await self._views.get(wanted.order_id)
        await self._cache.put(newest)  # who made the change may have died before it could
        return Answer(newest, replayed=True) if answered is None else await first_answer(self._views, answered)

    async def _make(self, tx: Transaction, order: Order, wanted: OrderChange, change: Change) -> RenderedOrder:
        if wanted.expected_versions is not None and order.version not in wanted.expected_versions:
            raise VersionMismatch(order.version)
        change(order, self._clock.now())
        changed = tx.orders.save(order)
        if wanted.dry_run:
            return changed
        remember_answer(tx, wanted.by, wanted.idempotency_key, changed)
        remember_message(tx, wanted.message)
        try:
            if wanted.by.only_own is not None:
                # Who was erased a moment ago may have a token still, and nothing of theirs may be left behind.
                await tx.accounts.keep(wanted.by.only_own)
            await tx.commit()
        except AccountNotFound:
            raise OrderNotFound from None
        return changed
