"""What a role stands on, and how each of it is asked whether it is there."""

import asyncio
import time
from collections.abc import Mapping

from sqlalchemy import URL, text

from adapters.http.checks import Check, results_of
from adapters.kafka.answering import ask
from adapters.persistence.engine import create_engine
from adapters.redis.connection import connect
from adapters.telemetry.exposition import Dependencies, Dependency
from composition.settings import Settings

_PATIENCE_SECONDS = 2.0
_KNOWN_FOR_SECONDS = 1.0

REQUIRED = {
    "api": {"postgresql"},  # without Redis there is no log-in, but orders are read and placed; Kafka is the relay's
    "relay": {"postgresql", "kafka"},
    "consumer": {"postgresql", "redis", "kafka"},
    "worker": {"postgresql", "redis"},
    "scheduler": {"postgresql", "redis"},
    "up": {"postgresql"},
}
"""Without which a role cannot do its work at all."""

SHOWN = {
    **REQUIRED,
    "api": {"postgresql", "redis", "kafka"},
    "scheduler": {"postgresql", "redis", "kafka"},
    "up": {"postgresql", "redis", "kafka"},
}


def checks(settings: Settings, database: URL) -> Mapping[str, Check]:
    """Of each service that is configured; each connects anew, and raises whatever is wrong."""

    async def postgresql() -> None:
        engine = create_engine(database, pool_size=1)
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        finally:
            await engine.dispose()

    found: dict[str, Check] = {"postgresql": postgresql}
    if (redis_url := settings.redis) is not None:

        async def redis() -> None:
            async with connect(redis_url, patience=_PATIENCE_SECONDS, connections=1) as client:
                await client.ping()

        found["redis"] = redis
    if (cluster := settings.kafka) is not None:
        found["kafka"] = lambda: ask(cluster)
    return found


def dependencies(role: str, settings: Settings, database: URL) -> Dependencies:
    """Of `role`, to be asked outside of any event loop."""
    wanted = {name: check for name, check in checks(settings, database).items() if name in SHOWN[role]}

    async def asked() -> Mapping[str, Dependency]:
        results = await results_of(wanted)
        return {name: Dependency(word == "ok", required=name in REQUIRED[role]) for name, word in results.items()}

    return lambda: asyncio.run(asked())


def known_for_a_moment(check: Check) -> Check:
    """However many ask at the same time, and however often, one asks in a second."""
    lock, asked_at, trouble = asyncio.Lock(), float("-inf"), None

    async def known() -> None:
        nonlocal asked_at, trouble
        async with lock:
            if time.monotonic() - asked_at > _KNOWN_FOR_SECONDS:
                try:
                    trouble = None
                    await asyncio.wait_for(check(), _PATIENCE_SECONDS)
                except Exception as error:  # noqa: BLE001 - whatever is wrong with it, all who ask are told
                    trouble = error
                asked_at = time.monotonic()
        if trouble is not None:
            raise trouble

    return known
