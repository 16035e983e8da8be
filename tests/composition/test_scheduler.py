"""What the scheduler sees to, composed as in production."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from composition.container import Resources, make_container
from composition.scheduler import schedule_forever
from composition.settings import Settings
from tests.builders import an_order
from tests.fleet.waiting import until
from tests.persistence.test_log_partitions import relay, save

NEWEST = text("""
    SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = 'order_events'::regclass AND relname ~ '^order_events_20' ORDER BY 1 DESC LIMIT 1
""")
OLDEST_ENDS_LONG_AGO = """
    ALTER TABLE order_events DETACH PARTITION {oldest};
    ALTER TABLE order_events ATTACH PARTITION {oldest} FOR VALUES FROM (MINVALUE)
        TO ('01700000-0000-0000-0000-000000000000')
"""
"""In October 2020."""
DETACHED = text("SELECT count(*) FROM detached_logs")


@pytest.mark.parametrize(("kept", "detached"), [(None, 0), (12, 1)])
async def test_months_of_the_log_are_made_ahead_and_leave_it_when_they_are_old(
    database_url: URL, engine: AsyncEngine, kept: int | None, detached: int
) -> None:
    await save(engine, an_order(id=UUID(int=2**128 - 1)))
    await relay(engine)
    async with engine.begin() as connection:
        newest = await connection.scalar(NEWEST)
        await connection.execute(text("DROP TABLE " + newest))
        oldest = await connection.scalar(text(str(NEWEST).replace("_20'", "_before'")))
        for statement in OLDEST_ENDS_LONG_AGO.format(oldest=oldest).split(";"):
            await connection.execute(text(statement))

    async def is_made_again() -> bool:
        async with engine.connect() as connection:
            return bool(await connection.scalar(NEWEST) == newest)

    async def has_left() -> bool:
        return await count_detached(engine) >= detached

    settings = Settings(event_log_months=kept)
    container = make_container(settings, Resources(database=database_url, secret_key="not used"))
    running = asyncio.create_task(schedule_forever(container, stalled_after=timedelta(hours=1)))
    try:
        await until(is_made_again)
        await until(has_left)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await container.close()
    assert await count_detached(engine) == detached


async def count_detached(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(DETACHED) or 0)
