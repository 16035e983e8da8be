"""Redis killed, paused, wiped: slower, never wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from adapters.persistence.documents import rendered
from adapters.redis.connection import connect
from adapters.redis.known_origins import RedisKnownOrigins
from adapters.redis.order_cache import RedisOrderCache
from adapters.redis.rate_limiter import RedisRateLimiter
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Quota
from order_service.views import RenderedOrder
from tests.builders import after
from tests.personal import MARK, an_order_full_of_personal_data
from tests.services import RedisServer

PATIENCE_SECONDS = 10
QUOTA = Quota(name="orders", limit=5, window=timedelta(minutes=1))
LOG_IN = Quota(name="accounts", limit=5, window=timedelta(minutes=1), guards_secrets=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    client = connect(server.url, patience=1)
    yield client
    await client.aclose()


@pytest.fixture
def cache(redis: Redis) -> RedisOrderCache:
    return RedisOrderCache(redis, seconds_to_live=60)


class Order:
    """One order in the database; `version` is the newest."""

    def __init__(self) -> None:
        self.id, self.customer_id, self.version, self.loads = uuid4(), uuid4(), 1, 0

    async def load(self) -> RenderedOrder:
        self.loads += 1
        return self.at(self.version)

    def at(self, version: int) -> RenderedOrder:
        return RenderedOrder(self.id, self.customer_id, version, b"version %d" % version)


async def test_of_a_hundred_readers_who_miss_at_once_one_loads(cache: RedisOrderCache) -> None:
    order, loading = Order(), asyncio.Event()

    async def load() -> RenderedOrder:
        loading.set()
        await asyncio.sleep(0.02)
        return await order.load()

    found = await asyncio.gather(*(cache.get(order.id, load) for _ in range(100)))
    assert {one.version for one in found} == {1}
    assert order.loads == 1


@pytest.mark.parametrize("wiped", [False, True])
async def test_a_stalled_reader_never_brings_an_old_version_back(
    cache: RedisOrderCache, redis: Redis, wiped: bool
) -> None:
    order, stalled, go_on = Order(), asyncio.Event(), asyncio.Event()

    async def slowly() -> RenderedOrder:
        old = await order.load()
        stalled.set()
        await go_on.wait()
        return old

    reading = asyncio.create_task(cache.get(order.id, slowly))
    await stalled.wait()
    order.version = 2
    await cache.put(order.at(2))
    if wiped:
        await redis.flushall()
    go_on.set()
    await reading
    assert (await cache.get(order.id, order.load)).version == 2


async def test_after_a_wipe_a_late_writer_does_not_bring_its_version_back(
    cache: RedisOrderCache, redis: Redis
) -> None:
    order = Order()
    await cache.get(order.id, order.load)
    order.version = 2
    await redis.flushall()
    await cache.put(order.at(1))
    assert (await cache.get(order.id, order.load)).version == 2


async def test_a_writer_who_is_late_takes_the_lease_of_a_reader_who_is_slow(cache: RedisOrderCache) -> None:
    order = Order()

    async def load_what_is_followed_by_two_others() -> RenderedOrder:
        old = await order.load()
        order.version = 3
        await cache.put(order.at(2))  # version 3 is committed, and its writer dead
        return old

    await cache.get(order.id, load_what_is_followed_by_two_others)
    assert (await cache.get(order.id, order.load)).version == 3


@pytest.mark.parametrize("away", ["killed", "paused"])
async def test_without_redis_orders_are_loaded_and_nobody_reads_an_older_one_when_it_is_back(
    cache: RedisOrderCache, server: RedisServer, away: str
) -> None:
    orders = [Order() for _ in range(20)]
    for order in orders:
        await cache.get(order.id, order.load)
    async with connect(server.url, patience=1) as another_process:
        others = RedisOrderCache(another_process, seconds_to_live=60)
        server.kill() if away == "killed" else server.pause()
        for order in orders:
            order.version = 2
            assert (await others.get(order.id, order.load)).version == 2
            await cache.put(order.at(2))
        await asyncio.to_thread(server.start) if away == "killed" else server.resume()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                loads = sum(order.loads for order in orders)
                for order, reader in product(orders, (cache, others)):
                    assert (await reader.get(order.id, order.load)).version == 2
                if loads == sum(order.loads for order in orders):
                    break  # all of them came from Redis
                await asyncio.sleep(0.02)


async def test_a_value_that_is_not_ours_is_not_an_order(cache: RedisOrderCache, redis: Redis) -> None:
    order = Order()
    await redis.set(b"order:" + order.id.bytes, b"poison")
    assert await cache.get(order.id, order.load) == order.at(1)


async def test_of_an_order_that_is_redacted_no_word_is_left_in_redis(cache: RedisOrderCache, redis: Redis) -> None:
    full = an_order_full_of_personal_data()

    async def load() -> RenderedOrder:
        return rendered(full)

    async def words() -> list[bytes]:
        return [key async for key in redis.scan_iter() if MARK.encode() in (await redis.get(key) or b"")]

    await cache.get(full.id, load)
    assert await words() == [b"order:" + full.id.bytes]
    version = full.version
    full.redact(by=SYSTEM, at=after(hours=24))
    await cache.put(rendered(full))
    assert await words() == []
    assert (await cache.get(full.id, load)).version == version + 1


async def test_without_redis_orders_go_on_uncounted_and_nobody_logs_in(redis: Redis, server: RedisServer) -> None:
    limiter, origins = RedisRateLimiter(redis), RedisKnownOrigins(redis)
    await limiter.take(QUOTA, "ann")
    server.kill()
    assert [(await limiter.take(QUOTA, "ann")).allowed for _ in range(10)] == [True] * 10
    assert limiter.unchecked == 10
    with pytest.raises(DependencyUnavailable):
        await limiter.take(LOG_IN, "ann")
    with pytest.raises(DependencyUnavailable):
        await limiter.give_back(LOG_IN, "ann")
    with pytest.raises(DependencyUnavailable):
        await origins.has("here")
    with pytest.raises(DependencyUnavailable):
        await origins.remember("here", lifetime=timedelta(days=1))
    await asyncio.to_thread(server.start)
    assert [(await limiter.take(LOG_IN, "ann")).allowed for _ in range(6)] == [True] * 5 + [False]


async def test_of_many_who_write_at_once_nobodys_older_version_is_read_when_redis_is_back(
    cache: RedisOrderCache, server: RedisServer
) -> None:
    orders = [Order() for _ in range(200)]
    for order in orders:
        await cache.get(order.id, order.load)
        order.version = 2
    server.kill()
    await asyncio.gather(*(cache.put(order.at(2)) for order in orders))
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            loads = sum(order.loads for order in orders)
            for order in orders:
                assert (await cache.get(order.id, order.load)).version == 2
            if loads == sum(order.loads for order in orders):
                break  # all of them came from Redis
            await asyncio.sleep(0.02)


async def test_many_written_at_once_are_each_looked_at_alone(cache: RedisOrderCache, redis: Redis) -> None:
    old, new, absent, foreign = Order(), Order(), Order(), Order()
    for order, version in ((old, 1), (new, 3)):
        order.version = version
        await cache.get(order.id, order.load)
    await redis.rpush(b"order:" + foreign.id.bytes, "not ours")
    await asyncio.gather(*(cache.put(order.at(2)) for order in (old, new, absent, foreign)))
    for order, version in ((old, 2), (new, 3), (absent, 4), (foreign, 4)):
        order.version = 4
        assert (await cache.get(order.id, order.load)).version == version
