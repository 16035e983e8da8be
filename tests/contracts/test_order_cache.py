"""The promises of `OrderCache`. To hold another adapter to them, add it to `CACHES`."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from adapters.embedded.order_cache import InProcessOrderCache
from adapters.redis.order_cache import RedisOrderCache
from order_service.domain.errors import OrderNotFound
from order_service.ports import OrderCache
from order_service.views import RenderedOrder
from tests.in_memory.order_views import DictOrderCache

CACHES: dict[str, Callable[[], OrderCache]] = {"in memory": DictOrderCache, "in process": InProcessOrderCache}


@pytest.fixture(params=[*CACHES, "Redis"])
def cache(request: pytest.FixtureRequest) -> OrderCache:
    if request.param == "Redis":
        return RedisOrderCache(request.getfixturevalue("redis"), seconds_to_live=60)
    return CACHES[request.param]()


class Source:
    """Where the cache loads from: `asked` counts how often."""

    def __init__(self, *, order_id: UUID | None = None, version: int = 1) -> None:
        self.order = RenderedOrder(order_id or uuid4(), uuid4(), version, b'{"any": "bytes \\u00fc \xc3\xbc"}')
        self.asked = 0

    async def load(self) -> RenderedOrder:
        self.asked += 1
        return self.order

    def at(self, version: int) -> RenderedOrder:
        return RenderedOrder(self.order.order_id, self.order.customer_id, version, b"version %d" % version)


async def test_an_order_that_is_not_remembered_is_loaded_and_remembered(cache: OrderCache) -> None:
    source = Source()
    assert await cache.get(source.order.order_id, source.load) == source.order
    assert await cache.get(source.order.order_id, source.load) == source.order
    assert source.asked == 1


async def test_an_order_that_was_put_takes_the_place_of_an_older_version(cache: OrderCache) -> None:
    source = Source()
    await cache.get(source.order.order_id, source.load)
    for version in (2, 10):
        await cache.put(source.at(version))
        assert await cache.get(source.order.order_id, source.load) == source.at(version)
    assert source.asked == 1


async def test_an_older_version_never_takes_the_place_of_a_newer_one(cache: OrderCache) -> None:
    source = Source(version=10)
    await cache.get(source.order.order_id, source.load)
    await cache.put(source.at(9))
    assert await cache.get(source.order.order_id, source.load) == source.order


async def test_a_slow_load_does_not_bring_back_the_version_from_before(cache: OrderCache) -> None:
    source = Source()

    async def load_while_somebody_writes() -> RenderedOrder:
        old = await source.load()
        source.order = source.at(2)
        await cache.put(source.order)
        return old

    await cache.get(source.order.order_id, load_while_somebody_writes)
    assert await cache.get(source.order.order_id, source.load) == source.at(2)


async def test_each_order_is_remembered_for_itself(cache: OrderCache) -> None:
    one, other = Source(), Source()
    await cache.get(one.order.order_id, one.load)
    assert await cache.get(other.order.order_id, other.load) == other.order
    assert await cache.get(one.order.order_id, one.load) == one.order
    assert (one.asked, other.asked) == (1, 1)


async def test_what_loading_raises_passes_through_and_is_not_remembered(cache: OrderCache) -> None:
    source = Source()

    async def fail() -> RenderedOrder:
        raise OrderNotFound

    with pytest.raises(OrderNotFound):
        await cache.get(source.order.order_id, fail)
    assert await cache.get(source.order.order_id, source.load) == source.order


async def test_of_many_writers_at_once_the_newest_version_stays(cache: OrderCache) -> None:
    source = Source()
    await cache.get(source.order.order_id, source.load)
    await asyncio.gather(*(cache.put(source.at(version)) for version in (3, 17, 20, 1, 19, 2, 18)))
    assert await cache.get(source.order.order_id, source.load) == source.at(20)
