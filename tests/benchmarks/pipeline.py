"""From an order that is placed to one that is screened: relay, consumer and worker, one by one and all at once."""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from tests.benchmarks import relay, worker
from tests.benchmarks.drive import Driven, Load, drive, drive_so_many
from tests.benchmarks.report import Comparison, Report
from tests.benchmarks.shoppers import placing, register_customers
from tests.benchmarks.stage import Services, Stage, api_of
from tests.chaos.heard import ends, not_heard
from tests.fleet.roles import Fleet

ROLES = ("relay", "consumer", "worker")
PATIENCE_SECONDS = 600
COUNT = "SELECT count(*) FROM orders"
SCREENED = "SELECT count(*) FROM orders WHERE processing_status <> 'QUEUED'"
REJECTED = "SELECT count(*) FROM orders WHERE processing_status = 'REJECTED'"
LAG = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.occurred_at - o.placed_at)),
           percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM e.occurred_at - o.placed_at))
    FROM orders o JOIN order_events e ON e.aggregateid = o.id AND e.type = 'order.processed'
    WHERE o.placed_at >= $1
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A shop of its own, all of whose orders were placed over HTTP."""

    stage: Stage
    fleet: Fleet
    load: Load

    def number(self, query: str) -> int:
        return int(self.stage.ask(query)[0][0])

    def settle(self) -> None:
        """Whatever was placed is told, heard and screened, and so is what came of that; nothing runs afterwards."""
        self.fleet.start(*ROLES)
        asyncio.run(self.until_quiet())
        self.fleet.stop(*ROLES)

    async def until_quiet(self) -> None:
        engine = watching(self.stage)
        await until_screened(engine)
        await until_told(self.stage, engine)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await not_heard(self.stage.kafka, [self.stage.topic]):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.1)
        await engine.dispose()


def relays(services: Services, report: Report, *, events: int, rounds: int) -> None:
    """A backlog, read and published within this very process, as by the relay's."""
    stage = services.stage("relaying")

    async def drained() -> list[relay.Drained]:
        engine = create_engine(stage.database, pool_size=4)
        around = relay.World(stage.folder, engine, stage.environment["DATABASE_URL"], stage.kafka)
        await relay.drain(around, min(events, 5_000))  # warms up
        found = [await relay.drain(around, events) for _ in range(rounds)]
        await engine.dispose()
        return found

    rates = [events / each.seconds for each in asyncio.run(drained())]
    report.note(f"relay: events/s of a backlog of {events}", statistics.median(rates))
    report.goals["relay"] = statistics.median(rates)


def backlogs(line: Line, report: Report, *, orders: int, rounds: int) -> None:
    """How fast one consumer hears of so many orders, and one worker screens them."""
    heard, screened = [], []
    for _ in range(rounds):
        report.check("backlog", drive_so_many(line.load, orders))
        line.fleet.start("relay")
        asyncio.run(until_relayed(line.stage))
        line.fleet.stop("relay")
        heard.append(asyncio.run(heard_per_second(line.stage, lambda: line.fleet.start("consumer"))))
        line.fleet.stop("consumer")
        queued = line.number(COUNT) - line.number(SCREENED)
        line.fleet.start("worker")
        screened.append(asyncio.run(screened_per_second(line.stage, queued)))
        line.fleet.stop("worker")
        line.settle()
    report.note("consumer: events/s of a backlog", statistics.median(heard))
    report.note("worker: orders/s of a full queue", statistics.median(screened))


def all_at_once(line: Line, report: Report, *, seconds: int, rounds: int) -> None:
    """The ratio is of orders placed and screened in the time from the first that is placed to the last screened."""
    alone: list[Driven] = []
    amid: list[Driven] = []
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        alone.append(drive(line.load, seconds))
        line.settle()
        line.fleet.start(*ROLES)
        report.check("pipeline, warm-up", drive(line.load, 1))
        asyncio.run(line.until_quiet())
        count, screened, at, began = line.number(COUNT), line.number(SCREENED), datetime.now(UTC), time.monotonic()
        amid.append(drive(line.load, seconds))
        window, in_window = time.monotonic() - began, line.number(SCREENED) - screened
        asyncio.run(all_screened(line.stage))
        whole, placed = time.monotonic() - began, line.number(COUNT) - count
        [[lag, lag_99]] = line.stage.ask(LAG, at)
        asyncio.run(line.until_quiet())
        line.fleet.stop(*ROLES)
        figures = {
            "placed/s": placed / window,
            "screened/s while others are placed": in_window / window,
            "placed and screened/s, to the last": placed / whole,
            "s until the last is screened": whole - window,
            "ms from placed to screened, p50": 1000 * float(lag),
            "ms from placed to screened, p99": 1000 * float(lag_99),
            "ratio to place alone, to the last": placed / whole / alone[-1].per_second,
            "ratio to place alone, while others are placed": in_window / window / alone[-1].per_second,
        }
        for name, figure in figures.items():
            found.setdefault(name, []).append(figure)
    report.compare("place-amid-all", Comparison("ours, place alone", amid, alone))
    for name, each in found.items():
        report.note(f"pipeline: {name}", statistics.median(each))
    report.goals["pipeline"] = statistics.median(found["ratio to place alone, to the last"])
    if rejected := line.number(REJECTED):
        report.wrong.append(f"pipeline: {rejected} orders were rejected")


def run(services: Services, report: Report, wanted: set[str], *, orders: int, seconds: int, rounds: int) -> None:
    stage = services.stage("pipeline")
    with stage.app("roles") as fleet:
        requests = placing(register_customers(fleet.address))
        load = Load(
            address=fleet.address,
            api=api_of(fleet),
            services=stage.services,
            requests=requests,
            expected=frozenset({201}),
        )
        line = Line(stage, fleet, load)
        if wanted & {"consumer", "worker"}:
            backlogs(line, report, orders=orders, rounds=rounds)
        if "pipeline" in wanted:
            all_at_once(line, report, seconds=seconds, rounds=rounds)


async def heard_per_second(stage: Stage, start: Callable[[], None]) -> float:
    """From the first offset that is committed to the last: how long the process takes to start is not counted."""
    group = f"order-service-{stage.topic}"
    told = sum((await ends(stage.kafka, [stage.topic])).values())
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()

    async def committed() -> int:
        try:
            offsets: Any = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:  # no group ever was
            return 0
        return sum(max(0, place.offset) for place in offsets.values())

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            before = await committed()
            start()
            while (first := await committed()) == before:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)
            began, last = time.monotonic(), first
            while last < told:
                await asyncio.sleep(0.02)
                last = await committed()
    finally:
        await admin.close()
    if first == told:
        raise RuntimeError("all was heard at once: take more orders, --backlog")
    return (told - first) / (time.monotonic() - began)


async def screened_per_second(stage: Stage, orders: int) -> float:
    engine = watching(stage)
    rate = await worker.watched(engine, orders)
    await engine.dispose()
    return rate


async def all_screened(stage: Stage) -> None:
    engine = watching(stage)
    await until_screened(engine)
    await engine.dispose()


async def until_screened(engine: AsyncEngine) -> None:
    async with engine.connect() as connection, asyncio.timeout(PATIENCE_SECONDS):
        while await connection.scalar(worker.LEFT):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.02)


async def until_relayed(stage: Stage) -> None:
    engine = watching(stage)
    await until_told(stage, engine)
    await engine.dispose()


async def until_told(stage: Stage, engine: AsyncEngine) -> None:
    await relay.until_relayed(relay.World(stage.folder, engine, stage.environment["DATABASE_URL"], stage.kafka))


def watching(stage: Stage) -> AsyncEngine:
    """Without transactions, which would hold up what they watch."""
    return create_engine(stage.database, pool_size=1, patience=None).execution_options(isolation_level="AUTOCOMMIT")
