"""The event log, read in the order of commits.

Rows get their `position` before they commit, so a slow transaction's row appears behind rows that were read already:
reading by position alone would skip it for ever. The reader therefore goes by transaction, and no further than the
oldest one that is still running: below that, nothing can be added any more.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import BigInteger, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.failures import in_domain_words
from adapters.persistence.leases import lease
from adapters.persistence.tables import Xid8, order_events, relay_cursor
from order_service.ports import EventLogReader, LoggedEvent, LogPosition

_SETTLED = order_events.c.tx_id < func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8)


class SqlEventLogReader:
    def __init__(self, connection: AsyncConnection, name: str, place: LogPosition) -> None:
        self._connection = connection
        self._name = name
        self._place = place

    async def next_batch(self, limit: int) -> Sequence[LoggedEvent]:
        here = tuple_(literal(self._place.tx_id, Xid8), literal(self._place.position, BigInteger))
        query = (
            select(order_events)
            .where(tuple_(order_events.c.tx_id, order_events.c.position) > here, _SETTLED)
            .order_by(order_events.c.tx_id, order_events.c.position)
            .limit(limit)
        )
        with in_domain_words():
            rows = (await self._connection.execute(query)).all()
        return [
            LoggedEvent(
                at=LogPosition(row.tx_id, row.position),
                id=row.id,
                order_id=row.aggregateid,
                seq=row.seq,
                type=row.type,
                payload=row.payload.encode(),
                occurred_at=row.occurred_at,
            )
            for row in rows
        ]

    async def advance(self, to: LogPosition) -> None:
        moved = insert(relay_cursor).values(name=self._name, tx_id=to.tx_id, position=to.position)
        with in_domain_words():
            await self._connection.execute(
                moved.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"tx_id": moved.excluded.tx_id, "position": moved.excluded.position},
                )
            )
        self._place = to


class SqlEventLog:
    def __init__(self, engine: AsyncEngine) -> None:
        # Each statement stands alone: an open transaction would hold back the very horizon that is waited for.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def reader(self, name: str) -> AsyncIterator[EventLogReader]:
        with in_domain_words():
            async with lease(self._engine, f"reader {name}") as connection:
                yield SqlEventLogReader(connection, name, await _place(connection, name))


async def _place(connection: AsyncConnection, name: str) -> LogPosition:
    row = (
        await connection.execute(
            select(relay_cursor.c.tx_id, relay_cursor.c.position).where(relay_cursor.c.name == name)
        )
    ).one_or_none()
    return LogPosition(0, 0) if row is None else LogPosition(row.tx_id, row.position)
