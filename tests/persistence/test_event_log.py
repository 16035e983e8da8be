"""Nothing is skipped and no order's events are turned around, however long others hold their transactions open."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.documents import event_payload, rendered
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.actor import SYSTEM
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.ports import EventLogReader, LoggedEvent
from tests.builders import NOON, an_order

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_placed = an_order()
PAYLOAD = event_payload(_placed.take_events()[0], rendered(_placed))
INSERT = f"""
    INSERT INTO order_events (id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at)
    VALUES (gen_random_uuid(), 'order', $1, $2, 'order.placed', '{PAYLOAD}', '{{}}', now())
"""


@pytest.fixture
async def connect(database_url: URL) -> AsyncIterator[Connect]:
    """Connections of our own, on which a transaction can be held open between its INSERT and its COMMIT."""
    opened: list[asyncpg.Connection] = []

    async def connect() -> asyncpg.Connection:
        url = database_url.set(drivername="postgresql")
        opened.append(await asyncpg.connect(url.render_as_string(hide_password=False)))
        return opened[-1]

    yield connect
    for connection in opened:
        await connection.close()


@pytest.fixture
async def reader(engine: AsyncEngine) -> AsyncIterator[EventLogReader]:
    async with SqlEventLog(engine).reader("relay") as reader:
        yield reader


async def place(engine: AsyncEngine, order: Order) -> None:
    async with SqlTransactions(engine).begin() as tx:
        tx.orders.add(order)
        await tx.commit()


async def pay(engine: AsyncEngine, order_id: UUID, payment_id: str, *, hold: float = 0) -> None:
    async with SqlTransactions(engine).begin() as tx:
        order = await tx.orders.get(order_id, only_of=None, lock=True)
        await asyncio.sleep(hold)  # it has a transaction id by now, and keeps the horizon where it is
        order.record_payment(payment_id=payment_id, amount=Money(1, "EUR"), method="CARD", by=SYSTEM, at=NOON)
        tx.orders.save(order)
        await tx.commit()


async def the_next(reader: EventLogReader, *, limit: int = 100) -> list[tuple[UUID, int]]:
    batch = await reader.next_batch(limit)
    if batch:
        await reader.advance(batch[-1].at)
    return [(event.order_id, event.seq) for event in batch]


async def test_events_behind_an_open_transaction_wait_for_it(
    engine: AsyncEngine, connect: Connect, reader: EventLogReader
) -> None:
    before, held, behind = an_order(), uuid4(), an_order()
    await place(engine, before)
    holder = await connect()
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute(INSERT, held, 1)
    await place(engine, behind)
    await pay(engine, before.id, "behind it")

    assert await the_next(reader) == [(before.id, 1)]
    assert await the_next(reader) == []
    await transaction.commit()
    assert await the_next(reader) == [(held, 1), (behind.id, 1), (before.id, 2)]
    assert await the_next(reader) == []


async def test_an_event_that_is_written_late_in_an_old_transaction_is_not_skipped(
    engine: AsyncEngine, connect: Connect, reader: EventLogReader
) -> None:
    """Its position is the highest of all, and its transaction the oldest."""
    first, second, held = an_order(), an_order(), uuid4()
    holder = await connect()
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("SELECT pg_current_xact_id()")
    await place(engine, first)
    await place(engine, second)
    assert await the_next(reader) == []
    await holder.execute(INSERT, held, 1)
    assert await the_next(reader) == []
    await transaction.commit()
    assert await the_next(reader, limit=2) == [(held, 1), (first.id, 1)]
    assert await the_next(reader, limit=2) == [(second.id, 1)]


async def test_a_transaction_that_is_given_up_holds_nothing_back_any_more(
    engine: AsyncEngine, connect: Connect, reader: EventLogReader
) -> None:
    order = an_order()
    holder = await connect()
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute(INSERT, uuid4(), 1)
    await place(engine, order)
    assert await the_next(reader) == []
    await transaction.rollback()
    assert await the_next(reader) == [(order.id, 1)]


async def test_a_reader_that_stands_by_holds_nothing_back(engine: AsyncEngine, reader: EventLogReader) -> None:
    async def stand_by() -> None:
        async with SqlEventLog(engine).reader("relay"):
            pass

    standing_by = asyncio.create_task(stand_by())
    await asyncio.wait({standing_by}, timeout=0.1)
    order = an_order()
    await place(engine, order)
    assert await the_next(reader) == [(order.id, 1)]
    standing_by.cancel()
    await asyncio.gather(standing_by, return_exceptions=True)


class Writers:
    """Commit at random moments: some hold rows of their own, some orders that they share."""

    def __init__(self, engine: AsyncEngine, shared: list[UUID]) -> None:
        self._engine = engine
        self._shared = shared
        self._chance = random.Random(20260302)

    async def hold_rows(self, connection: asyncpg.Connection) -> None:
        order_id = uuid4()
        for seq in range(1, 16):
            async with connection.transaction():
                await connection.execute(INSERT, order_id, seq)
                await asyncio.sleep(self._chance.random() * 0.02)
                if self._chance.random() < 0.3:
                    await connection.execute(INSERT, uuid4(), 1)

    async def hold_orders(self, name: int) -> None:
        for n in range(15):
            order_id, hold = self._chance.choice(self._shared), self._chance.random() * 0.01
            await pay(self._engine, order_id, f"{name}-{n}", hold=hold)


async def read_until(done: asyncio.Event, reader: EventLogReader) -> list[LoggedEvent]:
    told: list[LoggedEvent] = []
    while True:
        last = done.is_set()
        batch = await reader.next_batch(7)
        told.extend(batch)
        if batch:
            await reader.advance(batch[-1].at)
        elif last:
            return told


async def test_while_many_write_and_hold_every_event_is_told_once_and_in_order(
    engine: AsyncEngine, connect: Connect, reader: EventLogReader
) -> None:
    shared = [an_order() for _ in range(4)]
    for order in shared:
        await place(engine, order)
    writers, done = Writers(engine, [order.id for order in shared]), asyncio.Event()
    reading = asyncio.create_task(read_until(done, reader))
    holders = [await connect() for _ in range(8)]
    await asyncio.gather(*map(writers.hold_rows, holders), *map(writers.hold_orders, range(8)))
    done.set()
    told = await reading

    async with engine.connect() as connection:
        written = (await connection.execute(text("SELECT id FROM order_events"))).scalars().all()
    assert len(told) >= len(shared) + 8 * 15 + 8 * 15
    assert sorted(event.id for event in told) == sorted(written)
    seqs: defaultdict[UUID, list[int]] = defaultdict(list)
    for event in told:
        seqs[event.order_id].append(event.seq)
    for seq in seqs.values():
        assert seq == list(range(1, len(seq) + 1))


async def test_a_lost_connection_lets_the_next_reader_in(engine: AsyncEngine) -> None:
    log = SqlEventLog(engine)
    async with log.reader("relay"):
        async with engine.connect() as connection:
            kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            assert (await connection.execute(text(kill))).scalars().all() == [True]
        async with asyncio.timeout(5), log.reader("relay") as next_reader:
            assert list(await next_reader.next_batch(1)) == []
