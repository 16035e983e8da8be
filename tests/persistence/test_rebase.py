"""A log that was restored into another cluster, where transaction ids begin anew."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.event_log import LogIsRead, LogOfAnotherCluster, SqlEventLog
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.order import Order
from tests.builders import an_order


async def test_a_restored_log_is_refused_until_it_is_rebased_and_then_goes_on_where_it_was(
    engine: AsyncEngine,
) -> None:
    log, orders = SqlEventLog(engine), [an_order() for _ in range(6)]
    for order in orders[:4]:
        await commit(engine, order)
    async with log.reader("relay") as reader:
        published = await reader.next_batch(2)
        await reader.advance(published[-1].at)
    # As after pg_restore: ids of transactions that this cluster has yet to see, and a cursor of somewhere else.
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE order_events SET tx_id = (tx_id::text::bigint + 1000000)::text::xid8"))
        await connection.execute(
            text("UPDATE relay_cursor SET tx_id = (tx_id::text::bigint + 1000000)::text::xid8, system_identifier = 1")
        )
    with pytest.raises(LogOfAnotherCluster, match="order-service relay rebase"):
        async with log.reader("relay"):
            pytest.fail("it was let in")

    assert await log.rebase("relay")
    assert not await log.rebase("relay"), "once is enough"
    assert (await log.lag("relay")).events == 2
    for order in orders[4:]:
        await commit(engine, order)
    async with log.reader("relay") as reader:
        rest = await reader.next_batch(100)
        await reader.advance(rest[-1].at)
        assert [event.order_id for event in rest] == [order.id for order in orders[2:]]
        assert await reader.next_batch(100) == []
    assert (await log.lag("relay")).oldest is None


async def test_a_log_that_is_read_is_not_rebased_and_nobody_waits(engine: AsyncEngine) -> None:
    log = SqlEventLog(engine)
    async with log.reader("relay"):
        with pytest.raises(LogIsRead, match="Stop all relays first"):
            async with asyncio.timeout(5):
                await log.rebase("relay")
    assert not await log.rebase("relay"), "nobody reads any more, and it is of this cluster"


async def commit(engine: AsyncEngine, order: Order) -> None:
    async with SqlTransactions(engine).begin() as tx:
        tx.orders.add(order)
        await tx.commit()
