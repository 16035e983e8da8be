"""What keeps orders: each suite that asks for `persistence` runs once over every adapter of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.account_views import SqlAccountViews
from adapters.persistence.event_archive import SqlEventArchive
from adapters.persistence.event_feed import SqlEventFeed
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.transaction import SqlTransactions
from adapters.redis.connection import connect
from order_service.domain.errors import OrderNotFound
from order_service.domain.order import Order
from order_service.ports import AccountViews, EventArchive, EventFeed, EventLog, OrderViews, Transaction, Transactions
from order_service.views import RenderedOrder
from tests.in_memory.accounts import InMemoryAccountViews
from tests.in_memory.events import InMemoryEventArchive, InMemoryEventFeed, InMemoryEventLog
from tests.in_memory.order_views import InMemoryOrderViews
from tests.in_memory.store import Store
from tests.in_memory.transaction import InMemoryTransactions
from tests.services import RedisServer


@dataclass(frozen=True, slots=True)
class Persistence:
    transactions: Transactions
    views: OrderViews
    log: EventLog
    archive: EventArchive
    feed: EventFeed
    account_views: AccountViews

    async def commit(self, *stage: Callable[[Transaction], object]) -> None:
        async with self.transactions.begin() as tx:
            for each in stage:
                each(tx)
            await tx.commit()

    async def add(self, *orders: Order) -> list[RenderedOrder]:
        async with self.transactions.begin() as tx:
            added = [tx.orders.add(order) for order in orders]
            await tx.commit()
        return added

    async def save(self, order: Order) -> RenderedOrder:
        async with self.transactions.begin() as tx:
            saved = tx.orders.save(order)
            await tx.commit()
        return saved

    async def get(self, order: Order) -> Order:
        async with self.transactions.begin() as tx:
            return await tx.orders.get(order.id, only_of=None)

    async def has(self, order: Order) -> bool:
        """Whether there is any trace of it."""
        try:
            await self.get(order)
        except OrderNotFound:
            return bool(await self.views.events(order.id, after_seq=0, limit=1))
        return True


@pytest.fixture(params=["in memory", "PostgreSQL"])
def persistence(request: pytest.FixtureRequest) -> Persistence:
    if request.param == "in memory":
        store = Store()
        return Persistence(
            InMemoryTransactions(store),
            InMemoryOrderViews(store),
            InMemoryEventLog(store),
            InMemoryEventArchive(store),
            InMemoryEventFeed(store),
            InMemoryAccountViews(store),
        )
    engine: AsyncEngine = request.getfixturevalue("engine")
    return Persistence(
        SqlTransactions(engine),
        SqlOrderViews(engine),
        SqlEventLog(engine),
        SqlEventArchive(engine),
        SqlEventFeed(engine),
        SqlAccountViews(engine),
    )


@pytest.fixture(scope="session")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Nobody else's: it is emptied again and again."""
    with RedisServer(tmp_path_factory.mktemp("redis"), append_only=False) as server:
        yield server


@pytest.fixture
async def redis(own_redis: RedisServer) -> AsyncIterator[Redis]:
    """As good as new."""
    async with connect(own_redis.url, patience=1) as client:
        await client.flushdb()
        yield client
