"""Orders made by the thousand are as sound as orders made one by one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.consistency import check
from adapters.persistence.engine import create_engine
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.rebuilding import rebuild
from adapters.persistence.seeding import OrdersExist, seed
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.ports import OrderFilter
from tests.builders import an_order

UNTIL = datetime(2026, 3, 2, tzinfo=UTC)
AXES = {
    "status": Status,
    "processing_status": ProcessingStatus,
    "payment_status": PaymentStatus,
    "fulfillment_status": FulfillmentStatus,
    "return_status": ReturnStatus,
}


@pytest.fixture
async def engine(database_url: URL) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, pool_size=2, patience=None)  # as the command has it
    yield engine
    await engine.dispose()


async def seeded(engine: AsyncEngine, number: int, **said: Any) -> list[int]:
    return [done async for done in seed(engine, number, customers=50, reader="relay", until=UNTIL, **said)]


async def test_as_many_orders_are_made_as_were_asked_for_however_many_are_written_at_once(
    engine: AsyncEngine,
) -> None:
    steps = await seeded(engine, 10_007)
    async with engine.connect() as connection:
        assert (steps[-1], await connection.scalar(text("SELECT count(*) FROM orders"))) == (10_007, 10_007)


async def test_seeded_orders_are_sound_and_of_every_kind(engine: AsyncEngine) -> None:
    assert (await seeded(engine, 3000))[-1] == 3000
    async for finding in check(engine):
        assert finding.broken == [], finding.invariant
    assert sum([written async for _, written in rebuild(engine)]) == 0, "every column is what the service would write"
    async with engine.connect() as connection:
        for axis, values in AXES.items():
            found = await connection.scalars(text(f"SELECT DISTINCT {axis} FROM orders"))
            assert set(found) == set(values)
        currencies = set(await connection.scalars(text("SELECT DISTINCT currency FROM orders")))
        assert currencies == {"EUR", "USD", "JPY", "KWD"}
    page = await SqlOrderViews(engine).list(OrderFilter(sku="LIMITED"), start=None, limit=100, newest_first=True)
    assert 1 <= len(page.orders) <= 10


async def test_the_relay_tells_of_real_orders_and_not_of_seeded_ones(engine: AsyncEngine) -> None:
    await seeded(engine, 100)
    real = an_order()
    async with SqlTransactions(engine).begin() as tx:
        tx.orders.add(real)
        await tx.commit()
    async with SqlEventLog(engine).reader("relay") as reader:
        assert [event.order_id for event in await reader.next_batch(100)] == [real.id]


async def test_where_orders_are_already_it_wants_to_be_told_twice(engine: AsyncEngine) -> None:
    await seeded(engine, 10)
    with pytest.raises(OrdersExist, match="--beside-existing-orders"):
        await seeded(engine, 10)
    await seeded(engine, 10, beside_existing=True, random_seed=1)
    assert (await SqlEventLog(engine).lag("relay")).events == 0
