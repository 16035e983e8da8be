"""From an order that is placed to one that is screened: relay, consumer and worker, one by one and all at once."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.persistence.engine import create_engine
from tests.benchmarks import relay
from tests.benchmarks.drains import all_screened, heard_per_second, screened_per_second, until_quiet, until_relayed
from tests.benchmarks.drive import Driven, Load, drive, drive_so_many
from tests.benchmarks.report import Comparison, Report
from tests.benchmarks.shoppers import placing, register_customers
from tests.benchmarks.stage import Services, Stage, api_of
from tests.fleet.roles import Fleet

ROLES = ("relay", "consumer", "worker")
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
        asyncio.run(until_quiet(self.stage))
        self.fleet.stop(*ROLES)


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
        asyncio.run(until_quiet(line.stage))
        count, screened, at, began = line.number(COUNT), line.number(SCREENED), datetime.now(UTC), time.monotonic()
        amid.append(drive(line.load, seconds))
        window, in_window = time.monotonic() - began, line.number(SCREENED) - screened
        asyncio.run(all_screened(line.stage))
        whole, placed = time.monotonic() - began, line.number(COUNT) - count
        [[lag, lag_99]] = line.stage.ask(LAG, at)
        asyncio.run(until_quiet(line.stage))
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
