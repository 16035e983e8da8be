"""The campaign: a shop at work, and everything under it killed again and again."""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from tests.chaos import checker
from tests.chaos.heard import dead_letters, not_heard
from tests.chaos.shop import Books, PaymentService, Shop, ShoppingCustomer
from tests.chaos.world import World
from tests.crash.checker import ALL_PROCESSED, ALL_RELAYED
from tests.crash.checker import figures as figures_of_orders
from tests.crash.customers import Diary
from tests.fleet.people import an_operator_token
from tests.fleet.topics import told

SETTLE_SECONDS = 300
REGISTERED_AT_ONCE = 4
"""Passwords are slow to hash; an account is not asked for again when the answer is late."""


async def run(
    folder: Path, *, orders: int, kills: int, seed: int, clients: int, minutes: float, api_workers: int = 2
) -> tuple[dict[str, int], Counter[str]]:
    """The figures by name, and who was killed how often."""
    world, diary, books = World(folder, api_workers=api_workers), Diary(), Books()
    await world.start()
    try:
        payments = PaymentService(world.kafka.bootstrap_servers, world.topics["KAFKA_PAYMENTS_TOPIC"])
        shop = Shop(world.fleet.address, an_operator_token(), payments, books, seed=seed)
        customers = [ShoppingCustomer(world.fleet.address, diary, shop, seed=seed + n) for n in range(clients)]
        for first in range(0, clients, REGISTERED_AT_ONCE):
            await asyncio.gather(*(one.register() for one in customers[first : first + REGISTERED_AT_ONCE]))
        stop = asyncio.Event()
        shopping = [asyncio.create_task(customer.place_until(stop)) for customer in customers]
        killed = await _kill(world, diary, orders=orders, kills=kills, chance=random.Random(seed), minutes=minutes)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*shopping), SETTLE_SECONDS)
        await shop.close()
        await payments.close()
        return await settled(world, diary, books), killed
    finally:
        await asyncio.to_thread(world.stop)


async def _kill(
    world: World, diary: Diary, *, orders: int, kills: int, chance: random.Random, minutes: float
) -> Counter[str]:
    """Until both numbers are reached, or the time is up; kills are spread over the orders."""
    killed: Counter[str] = Counter()
    deadline = time.monotonic() + minutes * 60
    while (killed.total() < kills or len(diary.acknowledged) < orders) and time.monotonic() < deadline:
        await asyncio.sleep(chance.uniform(0.2, 2.0))
        if killed.total() >= kills or killed.total() * orders > kills * len(diary.acknowledged) + orders:
            continue
        victim = chance.choice(world.victims)
        await world.kill(victim)
        killed[victim] += 1
        await asyncio.sleep(chance.uniform(0, 2.0))
        await world.revive(victim)
        print(f"\r{killed.total()} killed, {len(diary.acknowledged)} orders, last: {victim:20}", end="", flush=True)
    print()
    return killed


async def settled(world: World, diary: Diary, books: Books) -> dict[str, int]:
    """Waits, but not for ever, until everything is quiet; then looks."""
    database = await _database(world.database_url)
    try:
        began = time.monotonic()
        await _until_quiet(world, database)
        settled_after = round(time.monotonic() - began)
        for line in books.stale_reads[:20]:
            print(f"read older than acknowledged: {line}")
        records = await told(world.kafka.bootstrap_servers, world.topics["KAFKA_TOPIC"])
        return {
            "retries": diary.retries,
            "refused": books.refusals,
            "reads": books.reads,
            "seconds to settle": settled_after,
            **await figures_of_orders(database, diary.placings, keys_of_placings_alone=True),
            **await checker.figures(database, books, records),
            "two copies with different answers": diary.differing_answers,
            "not heard": await not_heard(world.kafka.bootstrap_servers, world.topics.values()),
            "dead letters": await dead_letters(world.kafka.bootstrap_servers, world.topics["KAFKA_TOPIC"]),
        }
    finally:
        await database.close()


async def _until_quiet(world: World, database: Any) -> None:
    """Waits, but not for ever, until it is so twice: what is heard last makes an event, which is to be heard, too."""
    deadline, quiet = time.monotonic() + SETTLE_SECONDS, 0
    while quiet < 2 and time.monotonic() < deadline:
        still = (
            await database.fetchval(ALL_PROCESSED)
            and await database.fetchval(ALL_RELAYED)
            and await not_heard(world.kafka.bootstrap_servers, world.topics.values()) == 0
        )
        quiet = quiet + 1 if still else 0
        await asyncio.sleep(0.5)


async def _database(url: str) -> Any:
    parts = make_url(url)
    return await asyncpg.connect(
        host=str(parts.query["host"]), user=parts.username, password=parts.password, database=parts.database
    )
