"""What the scheduler sees to, composed as in production."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.log_partitions import first_id
from adapters.telemetry.metrics import Metrics
from composition.container import Resources, make_container
from composition.scheduler import schedule_forever
from composition.settings import Settings
from order_service.domain.months import month_after
from tests.builders import an_order
from tests.fleet.waiting import until
from tests.persistence.test_log_partitions import relay, save

MONTHS = text("""
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'order_events'::regclass AND inhrelid <> 'order_events_default'::regclass ORDER BY 1
""")
LONG_AGO = 30


@pytest.mark.parametrize("kept", [None, 12])
async def test_months_of_the_log_are_made_ahead_and_leave_it_when_they_are_old(
    database_url: URL, engine: AsyncEngine, kept: int | None
) -> None:
    await save(engine, an_order(id=UUID(int=2**128 - 1)))
    await relay(engine)
    months = months_from(LONG_AGO)
    await forget_all_months_but_one(engine, ends=months[0])
    wanted = [f"order_events_{month:%Y_%m}" for month in (months if kept is None else months[LONG_AGO - kept :])]

    async def is_done() -> bool:
        names = await attached(engine)
        return names == (wanted if kept else [*wanted, "order_events_before"])

    container = make_container(
        Settings(event_log_months=kept), Resources(database=database_url, secret_key="not used")
    )
    running = asyncio.create_task(schedule_forever(container, Metrics(), stalled_after=timedelta(hours=1)))
    try:
        await until(is_done)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await container.close()


def months_from(ago: int) -> list[date]:
    """From so many months ago to the second one to come."""
    months = [datetime.now(UTC).date().replace(day=1)]
    while len(months) <= ago:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    return [*months, month_after(months[-1]), month_after(month_after(months[-1]))]


async def forget_all_months_but_one(engine: AsyncEngine, *, ends: date) -> None:
    """As if the service had been installed then, and no scheduler had run since."""
    async with engine.begin() as connection:
        for name in (await connection.scalars(MONTHS)).all():
            await connection.execute(text(f"DROP TABLE {name}"))
        await connection.execute(
            text(f"""
                CREATE TABLE order_events_before PARTITION OF order_events
                FOR VALUES FROM (MINVALUE) TO ('{first_id(ends)}')
            """)
        )


async def attached(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(MONTHS))
