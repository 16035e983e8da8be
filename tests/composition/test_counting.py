"""What is sampled of a process's parts, composed as in production, while Redis is away."""

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.telemetry.metrics import PREFIX, Metrics
from composition.container import Resources, make_container
from composition.counting import Counting
from composition.settings import Settings
from composition.telemetry import Telemetry
from order_service.ports import OrderCache, PasswordHasher, Quota, RateLimiter
from order_service.views import RenderedOrder
from tests.fleet.waiting import until
from tests.services.server import free_port

ORDER = RenderedOrder(UUID(int=1), UUID(int=2), 1, b"{}")


async def test_the_trouble_with_redis_and_what_the_pools_hold_are_seen(database_url: URL) -> None:
    metrics = Metrics()
    telemetry = Telemetry(metrics, "api")
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", postgres_pool_size=7)
    resources = Resources(database=database_url, secret_key="not used")
    container = make_container(settings, resources, telemetry.watches, Counting(telemetry))

    async def load() -> RenderedOrder:
        return ORDER

    def told(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"{PREFIX}_{name}", labels)

    try:
        limiter, cache = await container.get(RateLimiter), await container.get(OrderCache)
        engine, passwords = await container.get(AsyncEngine), await container.get(PasswordHasher)
        for _ in range(3):
            await limiter.take(Quota(name="orders", limit=1, window=timedelta(minutes=1)), "ann")
        assert await cache.get(ORDER.order_id, load) is ORDER
        async with engine.connect(), engine.connect(), telemetry.beating():
            hashing = asyncio.create_task(passwords.hash("correct horse battery"))

            async def is_seen() -> bool:
                return told("postgresql_connections", pool="main", state="in_use") == 2

            await until(is_seen)
            await hashing
        assert told("limiter_unchecked_total") == 3
        assert told("limiter_takes_total", quota="orders", outcome="allowed") == 3
        assert told("cache_bypassed_processes") == 1
        assert told("cache_reads_total", outcome="miss") == 1
        assert told("postgresql_connections_most", pool="main") == 7
        assert told("postgresql_connections", pool="main", state="idle") == 0
        assert told("passwords_in_hand") is not None
    finally:
        await container.close()
