"""`just bench relay`: how fast the relay publishes a backlog, and how far it is behind while orders come in."""

import argparse
import asyncio
import json
import logging
import shutil
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx
from sqlalchemy import make_url, text

from adapters.embedded.postgres import EmbeddedPostgres
from adapters.kafka.publisher import KafkaEvents
from adapters.persistence.engine import create_engine
from adapters.persistence.event_log import SqlEventLog
from order_service.use_cases.relay_events import RelayEvents
from tests.chaos.world import World
from tests.fleet.people import a_customer
from tests.fleet.topics import make_topics, told

ROUNDS = 3
CLIENTS, SECONDS = 16, 10
A_BACKLOG = text("""
    INSERT INTO order_events (id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at)
    SELECT gen_random_uuid(), 'order', md5((n / 4)::text)::uuid, 1 + n % 4, 'order.placed',
           jsonb_build_object('order', jsonb_build_object('id', n, 'text', repeat('x', 900)), 'seq', 1 + n % 4),
           '{}', now()
    FROM generate_series(0, :events - 1) n
""")
AN_ORDER = {
    "currency": "EUR",
    "lines": [{"name": name, "quantity": 2, "unit_price": "4.50"} for name in ("Mug", "Pot", "Spoon")],
}


async def backlog(world: World, events: int) -> float:
    """Events a second, from a log that holds so many (about 1 kB each) to their acknowledgement by the broker."""
    engine = create_engine(make_url(world.database_url), pool_size=4)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE order_events, relay_cursor"))
        await connection.execute(A_BACKLOG, {"events": events})
    topic = f"bench-{time.time_ns()}"
    await make_topics(world.kafka.bootstrap_servers, [topic])
    async with (
        KafkaEvents([world.kafka.bootstrap_servers], topic=topic) as publisher,
        SqlEventLog(engine).reader("bench") as log,
    ):
        relay = RelayEvents(publisher)
        await relay(log, limit=1)  # connects
        began = time.monotonic()
        while await relay(log):
            pass
        seconds = time.monotonic() - began
    await engine.dispose()
    assert len(await told(world.kafka.bootstrap_servers, topic)) == events
    return events / seconds


async def lag(world: World) -> list[float]:
    """Seconds from an event to its record on Kafka, each, while customers place orders as fast as they can."""
    async with httpx.AsyncClient(base_url=world.fleet.address, timeout=30) as http:
        headers = await a_customer(http)
        deadline = time.monotonic() + SECONDS

        async def place() -> None:
            while time.monotonic() < deadline:
                (await http.post("/api/v1/orders", json=AN_ORDER, headers=headers)).raise_for_status()

        await asyncio.gather(*(place() for _ in range(CLIENTS)))
    await asyncio.sleep(2)
    records = await told(world.kafka.bootstrap_servers, world.topics["KAFKA_TOPIC"])
    times = [datetime.fromisoformat(dict(record.headers)["ce_time"].decode()) for record in records]
    return [record.timestamp / 1000 - time.timestamp() for record, time in zip(records, times, strict=True)]


async def measure(folder: Path, events: int) -> dict[str, float]:
    world = World(folder)
    await world.start()
    try:
        world.fleet.stop("scheduler", "worker", "consumer")
        lags = sorted(await lag(world))
        world.fleet.stop()
        rates = [await backlog(world, events) for _ in range(ROUNDS)]
    finally:
        await asyncio.to_thread(world.stop)
    return {
        "backlog, events": events,
        "published, events a second (median of 3)": round(statistics.median(rates)),
        "placed beside the relay, orders a second": round(len(lags) / SECONDS),
        "lag, median ms": round(statistics.median(lags) * 1000, 1),
        "lag, 99th percentile ms": round(lags[len(lags) * 99 // 100] * 1000, 1),
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
    EmbeddedPostgres(folder / "postgres").remove()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
