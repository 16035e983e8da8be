"""`just bench growth`: what an order costs, to place, to change and to read, among few and among very many.

A database for each number of orders, with a year of months in its event log, all on one server; they are measured by
turns, as the machine has other things to do, too. What counts is the processor's time, ours and PostgreSQL's.
"""

import argparse
import asyncio
import itertools
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
from dishka import AsyncContainer
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from adapters.persistence.log_partitions import SqlLogPartitions
from composition.container import Resources, make_container
from composition.database import migrate
from composition.settings import Settings
from order_service.domain.actor import Actor
from order_service.ports import OrderFilter, OrderViews, Transactions
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.use_cases.process_order import ProcessOrder
from tests.benchmarks.lists import a_database, fill
from tests.benchmarks.usage import Processes
from tests.builders import a_registered_customer
from tests.conftest import execute
from tests.fleet.people import SECRET_KEY
from tests.fleet.waiting import until

AT_ONCE = 16
PAGE = 20
READS = 200
SAMPLE = 500
VACUUM_SECONDS = 600

MONTHS = text("""
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'order_events'::regclass AND inhrelid <> 'order_events_default'::regclass
""")
BUSY = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'")
BYTES = text("""
    SELECT (pg_total_relation_size('orders')
            + (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('order_events')))
           / (SELECT count(*) FROM orders)
""")
SOME_IDS = text("SELECT id, customer_id FROM orders WHERE id > :start ORDER BY id LIMIT 1")
ENDS = text("SELECT min(placed_at), max(placed_at) FROM orders")


@dataclass(frozen=True, slots=True)
class Size:
    """A database of so many orders, and what was measured in it; `found` is a list of a figure per round."""

    orders: int
    engine: AsyncEngine
    container: AsyncContainer
    customers: Sequence[Actor]
    known: Sequence[tuple[UUID, UUID]]
    found: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, figure: float) -> None:
        self.found.setdefault(what, []).append(figure)


async def a_year_of_months(engine: AsyncEngine) -> None:
    """Instead of one partition for all that was before the database was made."""
    async with engine.begin() as connection:
        for name in (await connection.scalars(MONTHS)).all():
            await connection.execute(text("DROP TABLE " + name))
    now = datetime.now(UTC).date()
    await SqlLogPartitions(engine).make(month_of(now - timedelta(days=370)), month_of(now + timedelta(days=31)))


def month_of(day: date) -> date:
    return day.replace(day=1)


async def grown(url: URL, orders: int) -> Size:
    engine = create_engine(url, pool_size=2, patience=None)
    await a_year_of_months(engine)
    seconds = await fill(engine, orders)
    print(f"{orders} orders seeded in {seconds:.0f} s", flush=True)
    container = make_container(Settings(postgres_pool_size=AT_ONCE), Resources(database=url, secret_key=SECRET_KEY))
    transactions = await container.get(Transactions)
    customers = [await a_registered_customer(transactions) for _ in range(AT_ONCE)]
    size = Size(orders, engine, container, customers, await some(engine))
    async with engine.connect() as connection:
        size.note("bytes on disk for an order", float(await connection.scalar(BYTES) or 0))
    return size


async def some(engine: AsyncEngine) -> list[tuple[UUID, UUID]]:
    """Orders of the whole year, evenly, with their customers."""
    async with engine.connect() as connection:
        first, last = (await connection.execute(ENDS)).one()
        ids = [int((first + (last - first) * n / SAMPLE).timestamp() * 1000) << 80 for n in range(SAMPLE)]
        rows = [(await connection.execute(SOME_IDS, {"start": UUID(int=start)})).one() for start in ids]
    return [(row.id, row.customer_id) for row in rows]


async def settle(engine: AsyncEngine) -> None:
    """What the seeding has left to do is not to be counted as an order's."""
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("CHECKPOINT"))

        async def is_idle() -> bool:
            return not await connection.scalar(BUSY)

        await until(is_idle, patience=VACUUM_SECONDS)


async def cpu(engine: AsyncEngine) -> Callable[[], float]:
    """Seconds of the processor that PostgreSQL, all of it, and this process have taken so far."""
    async with engine.connect() as connection:
        backend = await connection.scalar(text("SELECT pg_backend_pid()"))
    server = psutil.Process(psutil.Process(backend).ppid()).pid
    return lambda: Processes(lambda: [server]).cpu_seconds() + time.process_time()


async def each(size: Size, what: str, work: Callable[[], Awaitable[int]]) -> None:
    await settle(size.engine)
    spent = await cpu(size.engine)
    before, began = spent(), time.monotonic()
    number = await work()
    size.note(f"{what}: ms of CPU", 1000 * (spent() - before) / number)
    size.note(f"{what}: a second", number / (time.monotonic() - began))


async def place_and_screen(size: Size, seconds: float) -> None:
    place, process = await size.container.get(PlaceOrder), await size.container.get(ProcessOrder)
    lines = [WantedLine(name=name, quantity=2, unit_price="4.50") for name in ("Mug", "Pot", "Spoon")]
    placed: list[UUID] = []

    async def placing() -> int:
        deadline, before = time.monotonic() + seconds, len(placed)

        async def customer(by: Actor) -> None:
            while time.monotonic() < deadline:
                answer = await place(PlaceOrderCommand(by=by, currency="EUR", lines=lines))
                placed.append(answer.order.order_id)

        await asyncio.gather(*map(customer, size.customers))
        return len(placed) - before

    async def screening() -> int:
        left = iter(placed)

        async def worker() -> None:
            for order_id in left:
                await process(order_id)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return len(placed)

    await each(size, "place", placing)
    await each(size, "screen", screening)


async def read(size: Size, number: int) -> None:
    views = await size.container.get(OrderViews)
    known = itertools.islice(itertools.cycle(size.known), number * READS, (number + 1) * READS)
    times: dict[str, list[float]] = {}
    for order_id, customer_id in known:
        asked: dict[str, Awaitable[object]] = {
            "first page": views.list(OrderFilter(), start=None, limit=PAGE, newest_first=True),
            "page of a customer": views.list(
                OrderFilter(customer_id=customer_id), start=None, limit=PAGE, newest_first=True
            ),
            "order": views.get(order_id),
            "history": views.events(order_id, after_seq=0, limit=100),
            "a version": views.at_version(order_id, 1),
        }
        for what, question in asked.items():
            began = time.perf_counter()
            await question
            times.setdefault(what, []).append(1000 * (time.perf_counter() - began))
    for what, found in times.items():
        size.note(f"{what}: ms", statistics.median(found))


async def measure(server: URL, orders: Sequence[int], seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    sizes = []
    for number in orders:
        url = server.set(database=f"growth_{number}")
        await execute(server, f"CREATE DATABASE {url.database}")
        await asyncio.to_thread(migrate, url)
        sizes.append(await grown(url, number))
    for number in range(rounds + 1):  # the first warms up
        for size in sizes if number % 2 else reversed(sizes):
            await read(size, number)
            await place_and_screen(size, seconds)
    for size in sizes:
        await size.container.close()
        await size.engine.dispose()
    return {str(size.orders): {what: typical(found) for what, found in size.found.items()} for size in sizes}


def typical(found: Sequence[float]) -> float:
    return round(statistics.median(found[1:] or found), 3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="just bench growth", description=__doc__)
    parser.add_argument("--orders", default="10000,100000,1000000", metavar="N,N", help="the sizes to compare")
    parser.add_argument("--seconds", type=float, default=5, help="of placing, in each round at each size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="order-service-bench-"))
    with a_database(folder) as url:
        orders = [int(number) for number in given.orders.split(",")]
        found = asyncio.run(measure(make_url(url), orders, given.seconds, given.rounds))
    shutil.rmtree(folder)
    print(f"{'orders':30}", *(f"{size:>12}" for size in found))
    for what in next(iter(found.values())):
        print(f"{what:30}", *(f"{figures[what]:>12g}" for figures in found.values()))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
