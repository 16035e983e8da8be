"""`python -m tests.chaos.outage`: Kafka is stopped under load for two minutes, Redis is wiped again and again."""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from adapters.embedded.postgres import EmbeddedPostgres
from tests.chaos.__main__ import broken
from tests.chaos.campaign import settled
from tests.chaos.shop import Books
from tests.chaos.world import World
from tests.crash.customers import Customer, Diary


async def run(folder: Path, *, seconds: float, clients: int) -> dict[str, int]:
    world, diary, chance = World(folder), Diary(), random.Random(8841)
    await world.start()
    try:
        customers = [Customer(world.fleet.address, diary, seed=number) for number in range(clients)]
        await asyncio.gather(*(customer.register() for customer in customers))
        stop = asyncio.Event()
        placing = [asyncio.create_task(customer.place_until(stop)) for customer in customers]
        await world.kill("kafka")
        before, over = len(diary.acknowledged), time.monotonic() + seconds
        while time.monotonic() < over:
            await asyncio.sleep(chance.uniform(0, seconds / 10))
            await world.kill("redis's data")
        accepted = len(diary.acknowledged) - before
        await world.revive("kafka")
        stop.set()
        await asyncio.gather(*placing)
        began = time.monotonic()
        found = await settled(world, diary, Books())
        return {"accepted without Kafka": accepted, "seconds to drain": round(time.monotonic() - began), **found}
    finally:
        await asyncio.to_thread(world.stop)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="order-service-outage-"))
    found = asyncio.run(run(folder, seconds=given.seconds, clients=given.clients))
    for name, figure in found.items():
        print(f"{name:38} {figure:>10}")
    facts = {name: found.pop(name) for name in ("accepted without Kafka", "seconds to drain")}
    if broken(found) or not facts["accepted without Kafka"]:
        print(f"Promises are broken; data and logs are in {folder}.")
        return 1
    EmbeddedPostgres(folder / "postgres").remove()
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
