"""Revision 0009: the log of a database that has one becomes a log in months, and one table again."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from alembic import command
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from adapters.persistence.log_partitions import first_id
from tests.conftest import alembic_config
from tests.persistence.test_log_partitions import ALL, partitions, run

BEFORE = """
    INSERT INTO order_events (tx_id, id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at)
    SELECT (n % 7)::text::xid8, gen_random_uuid(), 'order', (CAST(:ids AS uuid[]))[1 + n % :number], 1 + n / :number,
           'order.placed', '{}', '{}', now()
    FROM generate_series(0, 99) n
"""


async def test_a_log_that_is_there_is_taken_over_row_by_row_and_given_back(empty_database_url: URL) -> None:
    """Ids of long ago, of now, of months to come, and some that are no time at all."""
    config, now = alembic_config(empty_database_url), datetime.now(UTC).date()
    months = [date(2020, 1, 1), now, now + timedelta(days=45), now + timedelta(days=75), date(2040, 1, 1)]
    ids = [*(first_id(month.replace(day=1)) for month in months), UUID(int=0), UUID(int=2**128 - 1)]
    await asyncio.to_thread(command.upgrade, config, "0008")
    engine = create_engine(empty_database_url, pool_size=1)
    await run(engine, BEFORE, ids=ids, number=len(ids))
    before = await events(engine)
    for revision in ("head", "0008", "head"):
        await asyncio.to_thread(command.upgrade if revision == "head" else command.downgrade, config, revision)
        assert await events(engine) == before
        await run(engine, BEFORE.replace("99", "0"), ids=[UUID(int=secrets.randbits(128))], number=1)
        positions = [row[0] for row in await events(engine)]
        assert len(set(positions)) == len(before) + 1
        assert max(positions) == positions[-1] > before[-1][0]
        await run(engine, "DELETE FROM order_events WHERE position = :last", last=positions[-1])
    found = await partitions(engine)
    assert sum(found.values()) == 100
    assert {next(name for name in found if "before" in name), "order_events_default"} < set(found), "and a month"
    await engine.dispose()


async def events(engine: AsyncEngine) -> Sequence[Any]:
    async with engine.connect() as connection:
        return (await connection.execute(ALL)).all()
