"""How several use cases, each of which begins and commits a transaction of its own, share one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from order_service.domain.errors import IdempotencyKeyTaken, OrderChangedMeanwhile, OrderNumberTaken
from order_service.ports import Transaction
from order_service.views import RenderedOrder


class LostRace(Exception):
    """Somebody else was faster, as `reason` tells: what was written is void, and all of it is to be tried again."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Within:
    """A transaction that is under way, for use cases that begin and commit one of their own."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.orders, self.accounts = transaction.orders, transaction.accounts
        self.sessions, self.services = transaction.sessions, transaction.services
        self.answered, self.inbox = transaction.answered, transaction.inbox
        self.erasing = transaction.erasing

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        yield self

    async def flush(self) -> None:
        await self._transaction.flush()

    async def commit(self) -> None:
        try:
            await self._transaction.flush()
        except (OrderChangedMeanwhile, IdempotencyKeyTaken, OrderNumberTaken) as error:
            raise LostRace(error) from error


class NotedOrders:
    """A cache that only notes what it is told: the real one must not hear of what may never be committed."""

    def __init__(self) -> None:
        self.orders: list[RenderedOrder] = []

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        del order_id  # nobody asks here
        return await load()

    async def put(self, order: RenderedOrder) -> None:
        self.orders.append(order)
