"""`just bench relay`: how fast the relay publishes a backlog, and how far it is behind while orders come in."""

import argparse
import asyncio
import json
import logging
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from dishka import AsyncContainer
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.kafka.cluster import Cluster
from adapters.kafka.publisher import KafkaEvents
from adapters.persistence.documents import event_payload, rendered
from adapters.persistence.engine import create_engine
from adapters.persistence.event_log import SqlEventLog
from composition.container import Resources, make_container
from composition.database import migrate
from composition.settings import Settings
from order_service.domain.lines import LineRequest
from order_service.ports import Transactions
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.use_cases.relay_events import RelayEvents
from tests.builders import a_paid_order, a_registered_customer
from tests.chaos.heard import ends
from tests.crash.checker import ALL_RELAYED
from tests.fleet.people import SECRET_KEY
from tests.fleet.roles import Fleet
from tests.fleet.topics import make_topics, told
from tests.services import KafkaServer
from tests.services.postgres import PostgresServer
from tests.services.server import free_port

ROUNDS = 3
AT_ONCE, SECONDS, WARM_UP_SECONDS = 16, 10.0, 2.0
PATIENCE_SECONDS = 120

EMPTY = text("TRUNCATE order_events, relay_cursor, orders")
FIVE_LINES = [
    LineRequest(line_id=uuid4(), name=f"A mug with a number {n}", quantity=2, unit_price="4.50") for n in range(5)
]
BACKLOG = text("""
    INSERT INTO order_events (id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at)
    SELECT gen_random_uuid(), 'order', md5((n / 4)::text)::uuid, 1 + n % 4,
           (ARRAY['order.placed', 'order.processed', 'order.payment_recorded', 'order.paid'])[1 + n % 4],
           CAST(:payload AS jsonb) || jsonb_build_object('seq', 1 + n % 4),
           '{}', now()
    FROM generate_series(0, :events - 1) n
""")
BYTES = text("SELECT avg(length(payload::text)) FROM order_events")


@dataclass(frozen=True, slots=True)
class World:
    """A database, a broker, and what they are reached with."""

    folder: Path
    engine: AsyncEngine
    database_url: str
    kafka: str


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    postgres, kafka = PostgresServer(folder), KafkaServer(folder)
    try:
        await asyncio.gather(asyncio.to_thread(postgres.start), asyncio.to_thread(kafka.start))
        url = postgres.env["TEST_POSTGRES_URL"]
        await asyncio.to_thread(migrate, make_url(url))
        engine = create_engine(make_url(url), pool_size=4)
        yield World(folder, engine, url, kafka.bootstrap_servers)
        await engine.dispose()
    finally:
        kafka.stop()
        postgres.remove()


async def a_topic(kafka: str) -> str:
    name = f"bench-{uuid4().hex[:8]}"
    await make_topics(kafka, [name])
    return name


@dataclass(frozen=True, slots=True)
class Drained:
    seconds: float
    cpu_seconds: float
    bytes_each: float


async def drain(around: World, events: int) -> Drained:
    """From a log that holds so many events to the broker's acknowledgement of the last."""
    async with around.engine.begin() as connection:
        await connection.execute(EMPTY)
        order = a_paid_order(lines=FIVE_LINES)
        payload = event_payload(order.take_events()[-1], rendered(order))
        await connection.execute(BACKLOG, {"events": events, "payload": payload})
        bytes_each = float(await connection.scalar(BYTES) or 0)
    topic = await a_topic(around.kafka)
    publisher = KafkaEvents(Cluster(servers=[around.kafka]), topic=topic)
    async with SqlEventLog(around.engine).reader("bench") as log:
        relay = RelayEvents(publisher)
        first = await log.next_batch(1)
        await publisher.publish(first)  # connects
        await log.advance(first[-1].at)
        began, cpu = time.monotonic(), time.process_time()
        while await relay(log):
            pass
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    await publisher.close()
    check(await told(around.kafka, topic), events)
    return Drained(seconds, cpu, bytes_each)


def check(records: list[Any], events: int) -> None:
    """That each event is there once, and an order's in order."""
    seqs: dict[bytes, list[int]] = {}
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        seqs.setdefault(record.key, []).append(int(dict(record.headers)["ce_sequence"]))
    if len(records) != events or any(order != list(range(1, len(order) + 1)) for order in seqs.values()):
        raise AssertionError(f"{len(records)} of {events} events are on Kafka, or not in order")


@dataclass(frozen=True, slots=True)
class Behind:
    orders_a_second: float
    median: float
    percentile_99: float
    at_the_end: float


async def lag(around: World, container: AsyncContainer) -> Behind:
    """From an event to its record on Kafka, while orders are placed as fast as can be, beside a relay's process."""
    async with around.engine.begin() as connection:
        await connection.execute(EMPTY)
    topic = await a_topic(around.kafka)
    environment = {
        "DATABASE_URL": around.database_url,
        "KAFKA_BOOTSTRAP_SERVERS": around.kafka,
        "KAFKA_TOPIC": topic,
        "REDIS_HOST": "not-used",
        "SECRET_KEY": SECRET_KEY,
    }
    place, transactions = await container.get(PlaceOrder), await container.get(Transactions)
    with Fleet(around.folder, environment, port=free_port()) as fleet:
        fleet.start("relay")
        await place_for(place, transactions, WARM_UP_SECONDS)
        await until_relayed(around)
        warm = sum((await ends(around.kafka, [topic])).values())
        placed = await place_for(place, transactions, SECONDS)
        began = time.monotonic()
        await until_relayed(around)
        at_the_end = time.monotonic() - began
    records = await told(around.kafka, topic)
    check(records, warm + placed)
    behind = [record.timestamp / 1000 - happened_at(record) for record in records]
    by_time = sorted(range(len(records)), key=lambda number: happened_at(records[number]))
    lags = sorted(behind[number] for number in by_time[warm:])
    return Behind(placed / SECONDS, statistics.median(lags), lags[len(lags) * 99 // 100], at_the_end)


def happened_at(record: Any) -> float:
    return datetime.fromisoformat(dict(record.headers)["ce_time"].decode()).timestamp()


async def place_for(place: PlaceOrder, transactions: Transactions, seconds: float) -> int:
    """How many orders were placed."""
    lines = [WantedLine(name=name, quantity=2, unit_price="4.50") for name in ("Mug", "Pot", "Spoon")]
    deadline = time.monotonic() + seconds

    async def customer() -> int:
        by = await a_registered_customer(transactions)
        command = PlaceOrderCommand(by=by, currency="EUR", lines=lines)
        placed = 0
        while time.monotonic() < deadline:
            await place(command)
            placed += 1
        return placed

    return sum(await asyncio.gather(*(customer() for _ in range(AT_ONCE))))


async def until_relayed(around: World) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        async with around.engine.connect() as connection:
            if await connection.scalar(text(ALL_RELAYED)):
                return
        await asyncio.sleep(0.01)
    raise TimeoutError("the relay does not get through")


async def measure(folder: Path, events: int) -> dict[str, float]:
    async with world(folder) as around:
        await drain(around, min(events, 5_000))  # warms up
        drained = [await drain(around, events) for _ in range(ROUNDS)]
        resources = Resources(database=make_url(around.database_url), secret_key=SECRET_KEY)
        container = make_container(Settings(postgres_pool_size=AT_ONCE), resources)
        behind = [await lag(around, container) for _ in range(ROUNDS)]
        await container.close()
    cpu = statistics.median_low(each.cpu_seconds for each in drained)
    typical = statistics.median_low(each.seconds for each in drained)
    return {
        "backlog, events": events,
        "bytes of an event": round(drained[0].bytes_each),
        "published, events a second": round(events / typical),
        "CPU of the relay, us for an event": round(cpu / events * 1e6, 1),
        "placed beside the relay, orders a second": round(statistics.median(b.orders_a_second for b in behind)),
        "lag, median ms": round(statistics.median(b.median for b in behind) * 1000, 1),
        "lag, 99th percentile ms": round(statistics.median(b.percentile_99 for b in behind) * 1000, 1),
        "all is told, ms after the last order": round(statistics.median(b.at_the_end for b in behind) * 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.relay", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="order-service-bench-"))
    found = asyncio.run(measure(folder, given.events))
    for name, figure in found.items():
        print(f"{name:45} {figure:>12g}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
