"""The log keeps the trace of a change with its events, and the relay reads it there."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.tables import order_events
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.actor import SYSTEM
from order_service.domain.money import Money
from order_service.domain.order import Order
from tests.builders import NOON, an_order
from tests.persistence.test_erasing import EMAIL, an_account, erasing, keep_orders

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced(engine: AsyncEngine) -> SqlTransactions:
    return SqlTransactions(engine, current_trace=lambda: TRACE)


async def place(transactions: SqlTransactions, order: Order) -> None:
    async with transactions.begin() as tx:
        tx.orders.add(order)
        await tx.commit()


async def pay(transactions: SqlTransactions, order: Order, *, lock: bool) -> None:
    async with transactions.begin() as tx:
        found = await tx.orders.get(order.id, only_of=None, lock=lock)
        found.record_payment(payment_id=f"{lock}", amount=Money(1, "EUR"), method="CARD", by=SYSTEM, at=NOON)
        tx.orders.save(found)
        await tx.commit()


async def told(engine: AsyncEngine) -> dict[tuple[Any, int], str | None]:
    async with SqlEventLog(engine).reader("relay") as reader:
        return {(event.order_id, event.seq): event.trace for event in await reader.next_batch(100)}


async def test_each_event_has_the_trace_of_its_change_whichever_way_it_is_written(
    engine: AsyncEngine, traced: SqlTransactions
) -> None:
    untraced, one, other = SqlTransactions(engine), an_order(), an_order()
    await asyncio.gather(place(traced, one), place(untraced, other))
    await pay(traced, other, lock=False)
    await pay(traced, one, lock=True)
    await pay(untraced, one, lock=False)
    assert await told(engine) == {
        (one.id, 1): TRACE,
        (one.id, 2): TRACE,
        (one.id, 3): None,
        (other.id, 1): None,
        (other.id, 2): TRACE,
    }


async def test_events_of_a_former_release_or_of_others_have_no_trace(
    engine: AsyncEngine, traced: SqlTransactions
) -> None:
    order = an_order()
    await place(traced, order)
    for headers, trace in (('{"other": 1}', None), ('{"traceparent": null}', None), ("[]", None)):
        async with engine.begin() as connection:
            await connection.execute(update(order_events).values(headers=headers))
        assert await told(engine) == {(order.id, 1): trace}


async def test_an_erasure_leaves_traces_as_they_were(engine: AsyncEngine) -> None:
    orders = await keep_orders(engine, await an_account(engine))
    async with engine.begin() as connection:
        await connection.execute(update(order_events).values(headers=f'{{"traceparent": "{TRACE}"}}'))
        before = (await connection.scalars(select(order_events.c.id))).all()
    assert await erasing(engine).by_email(EMAIL) == len(orders)
    async with engine.connect() as connection:
        rewritten = select(order_events.c.headers).where(order_events.c.id.in_(before))
        assert {headers for (headers,) in await connection.execute(rewritten)} == {f'{{"traceparent": "{TRACE}"}}'}


async def test_whoever_watches_sees_what_is_waited_for(engine: AsyncEngine) -> None:
    seen: list[str] = []

    def around(what: str) -> "nullcontext[None]":
        seen.append(what)
        return nullcontext()

    transactions = SqlTransactions(engine, GatheredReads(engine, around), around=around)
    order = an_order()
    await place(transactions, order)
    await pay(transactions, order, lock=False)
    await pay(transactions, order, lock=True)
    assert seen == [
        "COMMIT",
        *("SELECT orders", "COMMIT"),
        *("SELECT", "COMMIT", "UPDATE", "INSERT"),
    ]
