"""How fast other processes get through what waits for them, and waiting until they have."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from tests.benchmarks import relay, worker
from tests.benchmarks.stage import Stage
from tests.chaos.heard import ends, not_heard

PATIENCE_SECONDS = 600


async def until_quiet(stage: Stage) -> None:
    """Whatever was placed is screened, told and heard, and so is what came of that."""
    engine = watching(stage)
    await until_screened(engine)
    await until_told(stage, engine)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await not_heard(stage.kafka, [stage.topic]):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.1)
    await engine.dispose()


async def heard_per_second(stage: Stage, start: Callable[[], None]) -> float:
    """From the first offset that is committed to the last: how long the process takes to start is not counted."""
    group = f"order-service-{stage.topic}"
    told = sum((await ends(stage.kafka, [stage.topic])).values())
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()

    async def committed() -> int:
        try:
            offsets: Any = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:  # no group ever was
            return 0
        return sum(max(0, place.offset) for place in offsets.values())

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            before = await committed()
            start()
            while (first := await committed()) == before:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)
            began, last = time.monotonic(), first
            while last < told:
                await asyncio.sleep(0.02)
                last = await committed()
    finally:
        await admin.close()
    if first == told:
        raise RuntimeError("all was heard at once: take more orders, --backlog")
    return (told - first) / (time.monotonic() - began)


async def screened_per_second(stage: Stage, orders: int) -> float:
    engine = watching(stage)
    rate = await worker.watched(engine, orders)
    await engine.dispose()
    return rate


async def all_screened(stage: Stage) -> None:
    engine = watching(stage)
    await until_screened(engine)
    await engine.dispose()


async def until_screened(engine: AsyncEngine) -> None:
    async with engine.connect() as connection, asyncio.timeout(PATIENCE_SECONDS):
        while await connection.scalar(worker.LEFT):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.02)


async def until_relayed(stage: Stage) -> None:
    engine = watching(stage)
    await until_told(stage, engine)
    await engine.dispose()


async def until_told(stage: Stage, engine: AsyncEngine) -> None:
    await relay.until_relayed(relay.World(stage.folder, engine, stage.environment["DATABASE_URL"], stage.kafka))


def watching(stage: Stage) -> AsyncEngine:
    """Without transactions, which would hold up what they watch."""
    return create_engine(stage.database, pool_size=1, patience=None).execution_options(isolation_level="AUTOCOMMIT")
