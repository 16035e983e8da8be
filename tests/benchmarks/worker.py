"""`just bench worker`: how fast one worker process screens a full queue, by its threads and by what it prefetches."""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from composition.container import Resources, make_container
from composition.database import migrate
from composition.settings import Settings
from order_service.ports import JobQueue, Transactions
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from tests.builders import a_registered_customer
from tests.fleet.people import SECRET_KEY
from tests.fleet.roles import Fleet
from tests.services import RedisServer
from tests.services.postgres import PostgresServer
from tests.services.server import free_port

ROUNDS = 3
THREADS = (4, 8, 16)
PREFETCH_PER_THREAD = (1, 2, 8)
"""Dramatiq's own default is 2."""

PATIENCE_SECONDS = 300
LEFT = text("SELECT count(*) FROM orders WHERE processing_status = 'QUEUED'")


@contextmanager
def services(folder: Path) -> Iterator[dict[str, str]]:
    """What the processes are told about them."""
    postgres, redis = PostgresServer(folder), RedisServer(folder)
    try:
        postgres.start()
        redis.start()
        url = postgres.env["TEST_POSTGRES_URL"]
        migrate(make_url(url))
        yield {"DATABASE_URL": url, "REDIS_URL": redis.url, "KAFKA_HOST": "not-used", "SECRET_KEY": SECRET_KEY}
    finally:
        redis.stop()
        postgres.remove()


async def queue(environment: dict[str, str], orders: int) -> None:
    """Places so many orders and fills the queue with them."""
    database = make_url(environment["DATABASE_URL"])
    settings = Settings(redis_url=environment["REDIS_URL"])
    container = make_container(settings, Resources(database=database, secret_key=SECRET_KEY))
    place, jobs = await container.get(PlaceOrder), await container.get(JobQueue)
    transactions = await container.get(Transactions)

    async def place_one() -> None:
        customer = await a_registered_customer(transactions)
        line = WantedLine(name="Mug", quantity=2, unit_price="4.50")
        command = PlaceOrderCommand(by=customer, currency="EUR", lines=[line])
        await jobs.enqueue_processing((await place(command)).order.order_id)

    for start in range(0, orders, 16):
        await asyncio.gather(*(place_one() for _ in range(start, min(start + 16, orders))))
    await container.close()


async def screened_per_second(
    folder: Path, environment: dict[str, str], engine: AsyncEngine, *, orders: int, threads: int, prefetch: int
) -> float:
    """From the first order that is screened to the last: how long the process takes to start is not counted."""
    await queue(environment, orders)
    told = {**environment, "dramatiq_queue_prefetch": str(prefetch)}
    with Fleet(folder, told, port=free_port(), worker_threads=threads) as fleet:
        fleet.start("worker")
        return await watched(engine, orders)


async def watched(engine: AsyncEngine, orders: int) -> float:
    """Of so many in the queue; `engine` begins no transactions."""
    async with engine.connect() as connection, asyncio.timeout(PATIENCE_SECONDS):
        while (left := int(await connection.scalar(LEFT) or 0)) == orders:  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.01)
        began, first = time.monotonic(), left
        while await connection.scalar(LEFT):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return first / (time.monotonic() - began)


async def measure(folder: Path, environment: dict[str, str], orders: int) -> dict[str, float]:
    engine = create_engine(make_url(environment["DATABASE_URL"]), pool_size=1).execution_options(
        isolation_level="AUTOCOMMIT"
    )
    cases = list(product(THREADS, PREFETCH_PER_THREAD))
    found: dict[tuple[int, int], list[float]] = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for threads, each in cases:
            rate = await screened_per_second(
                folder, environment, engine, orders=orders, threads=threads, prefetch=threads * each
            )
            found[threads, each].append(rate)
    await engine.dispose()
    return {
        f"{threads:2} threads, {threads * each:3} prefetched, orders a second": round(statistics.median(rates))
        for (threads, each), rates in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.worker", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="order-service-bench-"))
    with services(folder) as environment:
        found = asyncio.run(measure(folder, environment, given.orders))
    for name, figure in found.items():
        print(f"{name:50} {figure:>8g}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
