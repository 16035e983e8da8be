"""The event log in months: to whoever reads or writes it is one, while some are made and others leave it."""

import asyncio
import secrets
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.consistency import check
from adapters.persistence.event_archive import SqlEventArchive
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.failures import in_domain_words
from adapters.persistence.log_partitions import SqlLogPartitions, first_id
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.rebuilding import rebuild
from adapters.persistence.tables import order_events
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import CursorExpired, OrderChangedMeanwhile, OrderNotFound
from order_service.domain.months import month_after
from order_service.domain.order import Order
from order_service.ports import AnsweredRequest, LogPlace
from tests.builders import after, an_order
from tests.persistence.plans import plan_of_query

MADE = date(2031, 5, 1)
"""Long after whatever month these tests run in: nothing is there for it, unless a test makes it."""

WHERE = text("SELECT tableoid::regclass::text, count(*) FROM order_events GROUP BY 1")
ALL = text("SELECT * FROM order_events ORDER BY position")


def placed_in(month: date, **said: Any) -> Order:
    return an_order(id=UUID(int=first_id(month).int | 7 << 76 | 2 << 62 | secrets.randbits(62)), **said)


async def save(engine: AsyncEngine, *orders: Order) -> None:
    for order in orders:
        async with SqlTransactions(engine).begin() as tx:
            tx.orders.add(order)
            await tx.commit()


async def screen(engine: AsyncEngine, order: Order) -> None:
    async with SqlTransactions(engine).begin() as tx:
        known = await tx.orders.get(order.id, only_of=None)
        known.process((), by=SYSTEM, at=after(minutes=1))
        tx.orders.save(known)
        await tx.commit()


async def relay(engine: AsyncEngine) -> list[tuple[UUID, int]]:
    """All that the relay has yet to tell."""
    async with SqlEventLog(engine).reader("relay") as reader:
        batch = await reader.next_batch(100)
        if batch:
            await reader.advance(batch[-1].at)
    return [(event.order_id, event.seq) for event in batch]


async def history(engine: AsyncEngine, order: Order) -> list[int]:
    return [event.seq for event in await SqlOrderViews(engine).events(order.id, after_seq=0, limit=100)]


async def partitions(engine: AsyncEngine) -> dict[str, int]:
    """Those that hold something."""
    async with engine.connect() as connection:
        return {row[0]: row[1] for row in await connection.execute(WHERE)}


async def broken(engine: AsyncEngine) -> list[Any]:
    return [one async for finding in check(engine) for one in finding.broken]


async def test_a_fresh_database_has_room_for_this_month_and_the_next(engine: AsyncEngine) -> None:
    this_month = datetime.now(UTC).date().replace(day=1)
    await save(engine, placed_in(this_month), placed_in(month_after(this_month)))
    assert "order_events_default" not in await partitions(engine)


async def test_months_are_made_once_without_a_gap_and_by_one_who_is_asked(engine: AsyncEngine) -> None:
    makers = [SqlLogPartitions(engine) for _ in range(4)]
    asked = [maker.make(MADE, month_after(MADE)) for maker in makers]
    made = sum(await asyncio.gather(*asked))
    made += await makers[0].make(MADE, month_after(MADE))  # who met another may have stopped
    async with engine.connect() as connection:
        months = text("""
            SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
            WHERE inhparent = 'order_events'::regclass AND relname ~ '^order_events_20' ORDER BY 1
        """)
        names = (await connection.scalars(months)).all()
    first, _, last = names[0].removeprefix("order_events_").partition("_")
    assert names[-1] == "order_events_2031_06"
    assert len(names) == (2031 - int(first)) * 12 + 6 - int(last) + 1
    assert 0 < made < len(names)
    assert await makers[0].make(MADE, month_after(MADE)) == 0


async def test_what_comes_before_its_month_is_made_moves_there_and_nobody_notices(engine: AsyncEngine) -> None:
    early, other = placed_in(MADE), an_order(id=UUID(int=2**128 - 1))
    await save(engine, early, other)
    await screen(engine, early)
    assert await partitions(engine) == {"order_events_default": 3}
    async with engine.connect() as connection:
        before = (await connection.execute(ALL)).all()

    assert await SqlLogPartitions(engine).make(MADE, MADE)
    assert await partitions(engine) == {"order_events_2031_05": 2, "order_events_default": 1}
    async with engine.connect() as connection:
        assert (await connection.execute(ALL)).all() == before
    assert await history(engine, early) == [1, 2]
    assert await relay(engine) == [(early.id, 1), (other.id, 1), (early.id, 2)]
    assert await broken(engine) == []


async def test_nobody_waits_for_long_behind_who_makes_a_month_while_the_log_is_being_read(
    engine: AsyncEngine,
) -> None:
    async with engine.connect() as reading:
        await reading.execute(text("SELECT count(*) FROM order_events"))  # its locks stay until the end
        async with asyncio.timeout(3):
            making = asyncio.create_task(SqlLogPartitions(engine).make(MADE, MADE))
            await save(engine, an_order(id=UUID(int=2**128 - 1)))
            assert await making == 0
    assert await SqlLogPartitions(engine).make(MADE, MADE) > 0


async def test_the_same_seq_twice_is_refused_in_every_partition(engine: AsyncEngine) -> None:
    this_month = datetime.now(UTC).date().replace(day=1)
    twice = text("""
        INSERT INTO order_events (id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at)
        SELECT id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at FROM order_events
        WHERE aggregateid = :id
    """)
    own_month = month_after(month_after(this_month))  # this one and the next may be in the first partition
    for order in (placed_in(date(2020, 1, 1)), placed_in(own_month), placed_in(MADE)):
        await save(engine, order)
        with pytest.raises(OrderChangedMeanwhile) as refused, in_domain_words():
            async with engine.begin() as connection:
                await connection.execute(twice, {"id": order.id})
        assert isinstance(refused.value.__cause__, IntegrityError)
    assert len(await partitions(engine)) == 3


async def test_a_history_is_read_from_one_partition(engine: AsyncEngine) -> None:
    await SqlLogPartitions(engine).make(MADE, MADE)
    order = placed_in(MADE)
    await save(engine, order)
    plan = await plan_of_query(engine, select(order_events).where(order_events.c.aggregateid == order.id))
    assert plan.indexes <= {"uq_order_events_2031_05_aggregateid_seq"}
    assert plan.rows == 1


async def left(engine: AsyncEngine) -> list[str]:
    await SqlLogPartitions(engine).detach(before=MADE)
    async with engine.connect() as connection:
        return list(await connection.scalars(text("SELECT name FROM detached_logs ORDER BY orders_before")))


async def run(engine: AsyncEngine, statement: str, **values: Any) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


async def test_a_month_stays_for_as_long_as_somebody_may_need_it(engine: AsyncEngine) -> None:
    old = placed_in(date(2020, 1, 1))
    await save(engine, old)
    assert await left(engine) == [], "nobody has read anything yet"
    other = placed_in(MADE)
    await relay(engine)
    assert await left(engine) == [], "the relay stands on its last event"
    await save(engine, other)
    await relay(engine)

    async with SqlTransactions(engine).begin() as tx:
        tx.answered.remember(UUID(int=1), "key", AnsweredRequest(fingerprint=b"", order_id=old.id, version=1))
        await tx.commit()
    assert await left(engine) == [], "it may have to be answered again"
    await run(engine, "UPDATE idempotency SET order_id = :other", other=other.id)
    await run(engine, "INSERT INTO erasures (account_id) VALUES (:id)", id=UUID(int=0))
    assert await left(engine) == [], "an erasure may reach it"
    await run(engine, "DELETE FROM erasures")
    await run(engine, "UPDATE order_events SET occurred_at = now() WHERE aggregateid = :id", id=old.id)
    assert await left(engine) == [], "somebody may be following"
    await run(engine, "UPDATE order_events SET occurred_at = now() - interval '25 hours'")
    names = await left(engine)
    assert names[0].startswith("order_events_before_")
    assert await history(engine, old) == []
    assert await history(engine, other) == [1]


async def cut_off(engine: AsyncEngine) -> tuple[Order, Order, LogPlace]:
    """An order whose log has left with its month, one that came later, and a place in the log before both."""
    place = (await SqlEventArchive(engine).page(None, types=(), limit=1)).next_start
    old, new = placed_in(date(2020, 1, 1)), placed_in(MADE)
    await save(engine, old, new)
    await screen(engine, old)
    await screen(engine, new)
    await relay(engine)
    assert await left(engine)
    return old, new, place


async def test_an_order_whose_log_has_left_goes_on(engine: AsyncEngine) -> None:
    old, new, _ = await cut_off(engine)
    views = SqlOrderViews(engine)
    assert (await views.get(old.id)).version == 2
    assert await history(engine, old) == []
    with pytest.raises(OrderNotFound):
        await views.at_version(old.id, 1)
    assert await broken(engine) == []

    async with SqlTransactions(engine).begin() as tx:
        known = await tx.orders.get(old.id, only_of=None)
        known.record_payment(payment_id="p", amount=known.total, method="CARD", by=SYSTEM, at=after(minutes=2))
        tx.orders.save(known)
        await tx.commit()
    assert await history(engine, old) == [3, 4]
    assert (await views.at_version(old.id, 4)).version == 4
    assert await relay(engine) == [(old.id, 3), (old.id, 4)]
    assert await history(engine, new) == [1, 2]
    assert await broken(engine) == []
    assert [written async for _, written in rebuild(engine)] == [0]


async def test_what_is_missing_behind_the_cut_is_still_found(engine: AsyncEngine) -> None:
    old, new, _ = await cut_off(engine)
    async with SqlTransactions(engine).begin() as tx:
        known = await tx.orders.get(old.id, only_of=None)
        known.record_payment(payment_id="p", amount=known.total, method="CARD", by=SYSTEM, at=after(minutes=2))
        tx.orders.save(known)
        await tx.commit()
    await run(engine, "DELETE FROM order_events WHERE seq = 4 OR aggregateid = :new", new=new.id)
    assert {one.order_id for one in await broken(engine) if one.order_id} == {old.id, new.id}


async def test_who_stands_before_the_cut_is_told_so_and_who_begins_anew_gets_what_is_there(
    engine: AsyncEngine,
) -> None:
    _, new, place = await cut_off(engine)
    archive = SqlEventArchive(engine)
    with pytest.raises(CursorExpired):
        await archive.page(place, types=(), limit=10)
    page = await archive.page(None, types=(), limit=10)
    assert [(event.order_id, event.seq) for event in page.events] == [(new.id, 1), (new.id, 2)]
    assert (await archive.page(page.next_start, types=(), limit=10)).is_last
