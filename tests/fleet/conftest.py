"""The real three services, once for all tests here, and a fleet on a database and on topics of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from adapters.redis.connection import connect
from tests.fleet.people import SECRET_KEY
from tests.fleet.roles import Fleet
from tests.fleet.topics import make_topics
from tests.services.server import free_port


@pytest.fixture
async def environment(database_url: URL, kafka_bootstrap_servers: str, redis_url: str) -> dict[str, str]:
    name = f"orders-{uuid4().hex[:8]}"
    topics = {
        "KAFKA_TOPIC": name,
        "KAFKA_PAYMENTS_TOPIC": f"{name}.payments",
        "KAFKA_SHIPMENTS_TOPIC": f"{name}.ship",
    }
    await make_topics(kafka_bootstrap_servers, [*topics.values(), f"{name}.dead_letter"])
    await forget_jobs(redis_url)
    return {
        **topics,
        "DATABASE_URL": database_url.render_as_string(hide_password=False),
        "REDIS_URL": redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers,
        "SECRET_KEY": SECRET_KEY,
        "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "100000",
        "RATE_LIMIT_ORDERS_PER_MINUTE": "1000000",
        "SCREENING_MOST_ORDERS_PER_HOUR": "1000000",
        "STALLED_AFTER_SECONDS": "5",
    }


async def forget_jobs(redis_url: str) -> None:
    """Those that a killed worker of an earlier test has left are about orders of another database."""
    async with connect(redis_url, patience=5) as redis:
        async for key in redis.scan_iter("dramatiq:*"):
            await redis.delete(key)


@pytest.fixture
async def fleet(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Fleet]:
    with Fleet(tmp_path, environment, port=free_port()) as roles:
        roles.start()
        await asyncio.to_thread(roles.until_ready)
        yield roles
