"""The event log, in partitions by the month in which orders were placed.

Ids of orders are UUIDs of version 7, which begin with a time; a partition is a range of them. So all events of an
order stand in one partition: (aggregateid, seq) is unique in the whole log, as it was in one table, and who reads the
history of an order looks into one partition, however many there are. Positions are unique because one sequence counts
them.

What has no partition (yet, or any more) goes to a default one: an event can always be written.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.failures import in_domain_words, means_locked
from order_service.domain.months import month_after, month_of

# Whoever asks for the log waits behind whoever waits to change its partitions, so that one must not wait long.
_PATIENCE = text("SET LOCAL lock_timeout = '500ms'")

_ATTACHED = text("""
    SELECT name, ends FROM (
        SELECT inhrelid::regclass::text AS name,
               substring(pg_get_expr(relpartbound, inhrelid) FROM 'TO \\(''([-0-9a-f]+)''\\)')::uuid AS ends
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'order_events'::regclass
    ) part
    WHERE ends IS NOT NULL ORDER BY ends
""")

# Of the reasons see migration 0009.
_STORED = (
    "autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, "
    "autovacuum_freeze_min_age = 0"
)


class SqlLogPartitions:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def make(self, first: date, last: date) -> int:
        made = 0
        with in_domain_words():
            attached = await self._attached()
            month = month_of_id(attached[-1].ends) if attached else first
            while month <= last and await self._carried_out(partial(_make, month=month)):
                month, made = month_after(month), made + 1
        return made

    async def detach(self, *, before: date) -> int:
        detached = 0
        with in_domain_words():
            for name, ends in await self._attached():
                if month_of_id(ends) > before or not await self._is_done_with(name, ends):
                    break
                if not await self._carried_out(partial(_detach, name=name, ends=ends)):
                    break
                detached += 1
        return detached

    async def _attached(self) -> Sequence[Any]:
        """All but the default, the oldest first: their names, and the id with which the next month begins."""
        async with self._engine.connect() as connection:
            return (await connection.execute(_ATTACHED)).all()

    async def _is_done_with(self, name: str, ends: UUID) -> bool:
        async with self._engine.connect() as connection:
            return await _is_done_with(connection, name, ends)

    async def _carried_out(self, change: Callable[[AsyncConnection], Awaitable[bool]]) -> bool:
        """False if there was no need any more, or others had locks on the log for too long: then nothing is done."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(_PATIENCE)
                return await change(connection)
        except DBAPIError as error:
            if not means_locked(error):
                raise
            return False


async def _make(connection: AsyncConnection, month: date) -> bool:
    name, first, next_first = f"order_events_{month:%Y_%m}", first_id(month), first_id(month_after(month))
    await connection.execute(text("LOCK TABLE order_events_default IN ACCESS EXCLUSIVE MODE"))
    if await connection.scalar(select(func.to_regclass(name).is_not(None))):
        return False  # somebody else has made it just now
    for statement in (
        f"""CREATE TABLE {name} (
                LIKE order_events INCLUDING DEFAULTS, CONSTRAINT uq_{name}_aggregateid_seq UNIQUE (aggregateid, seq)
            ) WITH ({_STORED})""",
        f"CREATE INDEX ix_{name}_tx_id_position ON {name} (tx_id, position)",
        # What is there of the month already, if it began before it had a partition.
        f"""WITH moved AS (
                DELETE FROM order_events_default WHERE aggregateid >= '{first}' AND aggregateid < '{next_first}'
                RETURNING *
            ) INSERT INTO {name} SELECT * FROM moved""",
        f"ALTER TABLE order_events ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{next_first}')",
    ):
        await connection.execute(text(statement))
    return True


async def _detach(connection: AsyncConnection, name: str, ends: UUID) -> bool:
    await connection.execute(text("LOCK TABLE ONLY order_events IN ACCESS EXCLUSIVE MODE"))  # nobody writes now
    if not await _is_done_with(connection, name, ends):
        return False
    for statement in (
        f"""INSERT INTO detached_logs (name, orders_before, tx_id, position)
            SELECT '{name}', '{ends}', coalesce(tx_id, '0'), coalesce(position, 0) FROM (SELECT) always LEFT JOIN (
                SELECT tx_id, position FROM {name} ORDER BY tx_id DESC, position DESC LIMIT 1
            ) last ON true""",
        f"ALTER TABLE order_events DETACH PARTITION {name}",
    ):
        await connection.execute(text(statement))
    return True


async def _is_done_with(connection: AsyncConnection, name: str, ends: UUID) -> bool:
    """Every reader is beyond all of it, those without a place of their own, too, as nothing in it is of the last day;
    no answer has to be read from it, and no text is yet to be taken out of it.
    """
    query = f"""
        SELECT EXISTS (SELECT FROM relay_cursor)
            AND NOT EXISTS (
                SELECT FROM relay_cursor place JOIN {name} event
                ON (event.tx_id, event.position) >= (place.tx_id, place.position)
            )
            AND NOT EXISTS (
                SELECT FROM (SELECT occurred_at FROM {name} ORDER BY tx_id DESC, position DESC LIMIT 1) last
                WHERE occurred_at > now() - interval '1 day'
            )
            AND NOT EXISTS (SELECT FROM erasures)
            AND NOT EXISTS (SELECT FROM idempotency WHERE order_id < :ends)"""
    return bool(await connection.scalar(text(query), {"ends": ends}))


def first_id(month: date) -> UUID:
    """Ids that are made in the month are not lower, ids made before it are."""
    began = datetime(month.year, month.month, 1, tzinfo=UTC)
    return UUID(int=int(began.timestamp() * 1000) << 80)


def month_of_id(id: UUID) -> date:
    """In which it was made."""
    return month_of(datetime.fromtimestamp((id.int >> 80) / 1000, UTC).date())
