"""`just bench lists`: what a page of orders costs among very many, by each filter, at its start and far down."""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.seeding import seed
from adapters.persistence.transaction import SqlTransactions
from composition.database import migrate
from order_service.domain.lifecycle import Status
from order_service.ports import OrderFilter, PageStart
from tests.builders import an_order
from tests.persistence.plans import PAGE, filters, plan_of
from tests.services.postgres import PostgresServer

FAR = 1000
ROUNDS = 100
MOST_AT_ONCE = 100


@contextmanager
def a_database(folder: Path) -> Iterator[str]:
    postgres = PostgresServer(folder)
    try:
        postgres.start()
        url = postgres.env["TEST_POSTGRES_URL"]
        migrate(make_url(url))
        yield url
    finally:
        postgres.remove()


async def fill(engine: AsyncEngine, orders: int) -> float:
    began = time.monotonic()
    async for _ in seed(engine, orders, customers=max(orders // 20, 1), reader="relay", until=datetime.now(UTC)):
        pass
    return time.monotonic() - began


async def pages_by_filter(engine: AsyncEngine) -> dict[str, float]:
    """Milliseconds of the first page, newest and oldest first, with the plan that PostgreSQL takes by itself."""
    found = {}
    for name, wanted in (await filters(engine)).items():
        for newest_first in (True, False):
            await plan_of(engine, wanted, newest_first=newest_first)  # so that the second finds its pages in memory
            plan = await plan_of(engine, wanted, newest_first=newest_first)
            direction = "newest first" if newest_first else "oldest first"
            print(f"{name:32} {direction} {plan}", flush=True)
            assert not plan.scans_table, name
            found[f"{name}, {direction}, ms"] = plan.milliseconds
    return found


async def far_pages(engine: AsyncEngine) -> dict[str, float]:
    """How much more the thousandth page takes than the first, as the service reads them: 1 is the same."""
    views, lists = SqlOrderViews(engine), {"everything": OrderFilter(), "PAID": OrderFilter(status=Status.PAID)}
    lists["one customer"] = (await filters(engine))["customer_id of many orders"]
    found: dict[str, float] = {}
    for name, wanted in lists.items():
        start: PageStart | None = None
        for _ in range(FAR - 1):
            page = await views.list(wanted, start=start, limit=PAGE, newest_first=True)
            assert page.next_start is not None, f"{name}: not {FAR} pages; take more orders"
            start = page.next_start
        times: dict[PageStart | None, list[float]] = {None: [], start: []}
        for which in (None, start) * ROUNDS:  # by turns, as the machine has other things to do, too
            began = time.perf_counter()
            await views.list(wanted, start=which, limit=PAGE, newest_first=True)
            times[which].append(1000 * (time.perf_counter() - began))
        first, far = statistics.median(times[None]), statistics.median(times[start])
        found[f"{name}: first page, ms"] = round(first, 2)
        found[f"{name}: page {FAR}, ms"] = round(far, 2)
        found[f"{name}: ratio"] = round(far / first, 2)
    return found


async def paging_while_orders_are_placed(engine: AsyncEngine) -> dict[str, float]:
    """Of the customer who has most: every order that was there is seen once, whichever way the pages go."""
    wanted = (await filters(engine))["customer_id of many orders"]
    assert wanted.customer_id is not None
    found: dict[str, float] = {}
    for newest_first in (True, False):
        async with engine.connect() as connection:
            known = text("SELECT id FROM orders WHERE customer_id = :customer")
            there = set(await connection.scalars(known, {"customer": wanted.customer_id}))
        seen: list[UUID] = []
        done = asyncio.Event()
        placing = asyncio.create_task(place_until(engine, wanted.customer_id, done))
        views, start = SqlOrderViews(engine), None
        while True:
            page = await views.list(wanted, start=start, limit=MOST_AT_ONCE, newest_first=newest_first)
            seen += [order.order_id for order in page.orders]
            start = page.next_start
            if start is None:
                break
        done.set()
        placed = await placing
        direction = "newest first" if newest_first else "oldest first"
        found[f"{direction}: orders there"] = len(there)
        found[f"{direction}: placed meanwhile"] = placed
        found[f"{direction}: skipped"] = len(there - set(seen))
        found[f"{direction}: seen twice"] = len(seen) - len(set(seen))
    return found


async def place_until(engine: AsyncEngine, customer_id: UUID, done: asyncio.Event) -> int:
    placed = 0
    while not done.is_set():
        async with SqlTransactions(engine).begin() as tx:
            tx.orders.add(an_order(customer_id=customer_id, at=datetime.now(UTC)))
            await tx.commit()
        placed += 1
    return placed


async def measure(url: str, orders: int) -> dict[str, float]:
    """`url` of a database that is migrated; it is filled if there is nothing in it."""
    engine = create_engine(make_url(url), pool_size=2, patience=None)
    found: dict[str, float] = {}
    async with engine.connect() as connection:
        is_empty = await connection.scalar(text("SELECT NOT EXISTS (SELECT FROM orders)"))
    if is_empty:
        found["seconds to seed"] = round(await fill(engine, orders))
    found |= await pages_by_filter(engine)
    for part in (far_pages, paging_while_orders_are_placed):
        figures = await part(engine)
        found |= figures
        for name, figure in figures.items():
            print(f"{name:45} {figure:>10g}", flush=True)
    await engine.dispose()
    broken = [name for name, figure in found.items() if name.endswith(("skipped", "twice")) and figure]
    assert not broken, broken
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lists", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--url", help="a migrated database to work on, instead of one made for it")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="order-service-bench-"))
    if given.url:
        found = asyncio.run(measure(given.url, given.orders))
    else:
        with a_database(folder) as url:
            found = asyncio.run(measure(url, given.orders))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
