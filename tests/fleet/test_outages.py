"""Kafka killed, Redis wiped, the active relay killed: all that was accepted comes through, once and in order."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest

from adapters.embedded.postgres import EmbeddedPostgres
from tests.chaos.__main__ import broken
from tests.chaos.campaign import settled
from tests.chaos.heard import ends
from tests.chaos.shop import Books
from tests.chaos.world import World
from tests.crash.checker import ALL_PROCESSED
from tests.crash.customers import Customer, Diary, Placing
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.fleet.test_end_to_end import AN_ORDER, reads
from tests.fleet.topics import make_topics
from tests.fleet.waiting import until
from tests.services.server import free_port

CUSTOMERS, A_LOOK_AROUND_SECONDS = 3, 0.03
OUTAGE_SECONDS = 8
WIPES, ORDERS_WHILE_WIPED = 5, 200
PROCESSED_SECONDS = 60
PATIENCE_SECONDS = 30


class PatientCustomer(Customer):
    async def placed(self, placing: Placing) -> None:
        """Looks around: else the screening's backlog takes longer than the outage."""
        await asyncio.sleep(A_LOOK_AROUND_SECONDS)


class Shop:
    """A world of its own, whose services may be killed, and all that its customers know."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.diary = Diary()
        self._seeds = iter(range(1_000))

    @property
    def acknowledged(self) -> int:
        return len(self.diary.acknowledged)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Customers place orders meanwhile."""
        customers = [
            PatientCustomer(self.world.fleet.address, self.diary, seed=next(self._seeds)) for _ in range(CUSTOMERS)
        ]
        await asyncio.gather(*(customer.register() for customer in customers))
        stop = asyncio.Event()
        placing = asyncio.gather(*(customer.place_until(stop) for customer in customers))
        try:
            await self.until_placed(10)
            yield
        finally:
            stop.set()
            await placing

    async def until_placed(self, more: int) -> None:
        wanted, deadline = self.acknowledged + more, time.monotonic() + PATIENCE_SECONDS
        while self.acknowledged < wanted:
            assert time.monotonic() < deadline, f"{wanted - self.acknowledged} of {more} orders are not accepted"
            await asyncio.sleep(0.01)

    async def until_told(self, more: int) -> None:
        """So many records more on Kafka."""
        wanted, deadline = await self._told() + more, time.monotonic() + PATIENCE_SECONDS
        while await self._told() < wanted:
            assert time.monotonic() < deadline, "nobody relays"
            await asyncio.sleep(0.1)

    async def until_all_are_processed(self) -> float:
        """How many seconds that took."""
        began = time.monotonic()
        database: Any = await asyncpg.connect(self.world.database_url.replace("postgresql+asyncpg", "postgresql"))
        try:
            while not await database.fetchval(ALL_PROCESSED):
                assert time.monotonic() < began + PROCESSED_SECONDS, "orders are still QUEUED"
                await asyncio.sleep(0.1)
        finally:
            await database.close()
        return time.monotonic() - began

    async def _told(self) -> int:
        kafka, topic = self.world.kafka.bootstrap_servers, self.world.topics["KAFKA_TOPIC"]
        return sum((await ends(kafka, [topic])).values())


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("world")
    world = World(folder)
    try:
        await world.start()
        yield Shop(world)
    finally:
        await asyncio.to_thread(world.stop)
        EmbeddedPostgres(folder / "postgres").remove()


async def test_while_kafka_is_gone_orders_are_accepted_and_when_it_is_back_every_event_is_told_in_order(
    shop: Shop,
) -> None:
    async with shop.busy():
        retries, before = shop.diary.retries, shop.acknowledged
        await shop.world.kill("kafka")
        for _ in range(OUTAGE_SECONDS):
            await asyncio.sleep(1)  # how long it is gone
            await shop.until_placed(1)
        # What it had in hand, and not told, is not to be forgotten with it.
        await asyncio.to_thread(shop.world.fleet.kill, "relay")
        shop.world.fleet.start("relay")
        accepted = shop.acknowledged - before
        await shop.world.revive("kafka")
    assert shop.diary.retries == retries, "an order was not accepted at once"
    found = await settled(shop.world, shop.diary, Books())
    print(f"Kafka gone for {OUTAGE_SECONDS} s: {accepted} orders accepted meanwhile; {found}")
    assert broken(found) == {}


async def test_jobs_that_redis_forgets_are_found_again_and_each_order_is_processed_once(shop: Shop) -> None:
    chance = random.Random(8841)
    moments = sorted(chance.randrange(ORDERS_WHILE_WIPED) for _ in range(WIPES))
    async with shop.busy():
        began = shop.acknowledged
        for moment in moments:
            await shop.until_placed(max(0, began + moment - shop.acknowledged))
            await shop.world.kill("redis's data")
        await shop.until_placed(max(0, began + ORDERS_WHILE_WIPED - shop.acknowledged))
    seconds = await shop.until_all_are_processed()
    found = await settled(shop.world, shop.diary, Books())
    print(f"Redis wiped after {moments} orders: all processed {seconds:.1f} s after the last one; {found}")
    assert broken(found) == {}


async def test_when_the_active_relay_is_killed_another_takes_over_and_nothing_is_lost(
    shop: Shop, tmp_path: Path
) -> None:
    first = shop.world.fleet
    environment = psutil.Process(first.pid("relay")).environ()
    with Fleet(tmp_path, environment, port=free_port()) as second:
        second.start("relay")
        async with shop.busy():
            await shop.until_told(10)
            for active in (first, second):
                await asyncio.to_thread(active.kill, "relay")
                began = time.monotonic()
                await shop.until_told(10)
                print(f"another relay took over {time.monotonic() - began:.1f} s after the kill")
                active.start("relay")  # stands by now
        found = await settled(shop.world, shop.diary, Books())
    print(found)
    assert broken(found) == {}


async def test_every_role_ends_when_all_of_its_processes_are_told_to(fleet: Fleet, tmp_path: Path) -> None:
    async def it_works() -> bool:
        return "Worker process is ready" in (tmp_path / "worker.log").read_text()

    await until(it_works)
    for role in fleet.roles:
        assert await asyncio.to_thread(fleet.stop_whole, role) == 0, role


async def test_a_topic_that_nobody_made_is_named_and_heard_once_it_is_there(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    nowhere = f"nobody-made-{uuid4().hex[:8]}"
    with Fleet(tmp_path, {**environment, "KAFKA_TOPIC": nowhere}, port=free_port()) as roles:
        roles.start("api", "relay", "consumer")
        await asyncio.to_thread(roles.until_ready)
        async with httpx.AsyncClient(base_url=roles.address) as http:
            ann = await a_customer(http)
            order = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).raise_for_status().json()

        async def both_say_so() -> bool:
            logs = [(tmp_path / f"{role}.log").read_text() for role in ("relay", "consumer")]
            return all(f"Kafka has no topic {nowhere}" in log for log in logs)

        await until(both_say_so, patience=60)
        await make_topics(environment["KAFKA_BOOTSTRAP_SERVERS"], [nowhere])
        roles.start("worker")
        async with httpx.AsyncClient(base_url=roles.address) as http:
            path = f"/api/v1/orders/{order['id']}"
            await until(lambda: reads(http, path, ann, processing_status="PROCESSED"), patience=60)
