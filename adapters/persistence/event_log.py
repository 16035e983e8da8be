"""The event log, read in the order of commits.

Rows get their `position` before they commit, so a slow transaction's row appears behind rows that were read already:
reading by position alone would skip it for ever. The reader therefore goes by transaction, and no further than the
oldest one that is still running: below that, nothing can be added any more.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.column_types import Xid8
from adapters.persistence.documents import Row, told
from adapters.persistence.driver import driver_of, lost_is_unavailable
from adapters.persistence.failures import in_domain_words
from adapters.persistence.leases import LeaseTaken, lease
from adapters.persistence.tables import detached_logs, order_events, relay_cursor
from order_service.ports import EventLogReader, LoggedEvent, LogPosition, RelayLag

SETTLED = order_events.c.tx_id < func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8)

THIS_CLUSTER = (
    select(literal_column("system_identifier", BigInteger)).select_from(func.pg_control_system()).scalar_subquery()
)

# These two are for every batch, which there are fifty of in a second: the driver's own rows cost half.
_NEXT = """
SELECT tx_id, position, id, aggregateid, seq, type, payload::text, occurred_at, headers ->> 'traceparent' AS trace
FROM order_events
WHERE (tx_id, position) > ($1::xid8, $2::bigint) AND tx_id < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY tx_id, position
LIMIT $3
"""

_ADVANCE = """
INSERT INTO relay_cursor (name, tx_id, position, system_identifier)
SELECT $1, $2::xid8, $3::bigint, system_identifier FROM pg_control_system()
ON CONFLICT (name) DO UPDATE
SET tx_id = excluded.tx_id, position = excluded.position, system_identifier = excluded.system_identifier
"""

_LET_GO_SECONDS = 1.0
"""For the server to notice that a reader is gone, which it does a moment later."""

_STANDS_AT = tuple_(order_events.c.tx_id, order_events.c.position)

_CURSOR = select(relay_cursor, THIS_CLUSTER.label("this_cluster"))


class SqlEventLogReader:
    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", name: str, place: LogPosition) -> None:
        self._connection = connection
        self._name = name
        self._place = place

    async def next_batch(self, limit: int, *, behind: LogPosition | None = None) -> Sequence[LoggedEvent]:
        place = behind or self._place
        with in_domain_words(), lost_is_unavailable(self._connection):
            rows = await self._connection.fetch(_NEXT, place.tx_id, place.position, limit)
        return [logged(row, row["trace"]) for row in rows]

    async def advance(self, to: LogPosition) -> None:
        with in_domain_words(), lost_is_unavailable(self._connection):
            await self._connection.execute(_ADVANCE, self._name, to.tx_id, to.position)
        self._place = to


class LogOfAnotherCluster(Exception):
    """The log was restored into another cluster, where transaction ids begin anew: its order says nothing there."""

    def __init__(self) -> None:
        super().__init__(
            "The event log was restored from another PostgreSQL cluster, so its transaction ids mean nothing here. "
            "Run `order-service relay rebase` once, then start the relay again."
        )


class LogIsRead(Exception):
    """Who reads the log must not have it changed meanwhile."""

    def __init__(self) -> None:
        super().__init__("A relay is active. Stop all relays first, and start them again afterwards.")


class SqlEventLog:
    def __init__(self, engine: AsyncEngine) -> None:
        # Each statement stands alone: an open transaction would hold back the very horizon that is waited for.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def lag(self, name: str) -> RelayLag:
        """How far the reader is behind, counting what is not settled yet."""
        with in_domain_words():
            async with self._engine.connect() as connection:
                place = await _place(connection, name)
                unread = select(func.count(), func.min(order_events.c.occurred_at)).where(behind(place))
                row = (await connection.execute(unread)).one()
        return RelayLag(events=row[0], oldest=row[1])

    async def rebase(self, name: str) -> bool:
        """Makes a log that came from another cluster readable here: what was published stays behind the reader.

        False if the log is of this cluster: then there is nothing to do. Raises LogIsRead while somebody reads.
        """
        try:
            async with lease(self._engine, lease_of(name), patience=_LET_GO_SECONDS):
                return await self._rebase(name)
        except LeaseTaken:
            raise LogIsRead from None

    @asynccontextmanager
    async def reader(self, name: str) -> AsyncIterator[EventLogReader]:
        with in_domain_words():
            async with lease(self._engine, lease_of(name)) as connection:
                yield SqlEventLogReader(await driver_of(connection), name, await _place(connection, name))

    async def _rebase(self, name: str) -> bool:
        whole = self._engine.execution_options(isolation_level="READ COMMITTED")
        async with whole.begin() as connection:
            row = (await connection.execute(_CURSOR.where(relay_cursor.c.name == name))).one_or_none()
            if row is None or row.system_identifier in (None, row.this_cluster):
                return False
            still_to_read = behind(LogPosition(row.tx_id, row.position))
            await connection.execute(
                update(order_events).values(tx_id=case((still_to_read, cast(1, Xid8)), else_=cast(0, Xid8)))
            )
            await connection.execute(update(detached_logs).values(tx_id=cast(0, Xid8)))
            await connection.execute(
                update(relay_cursor)
                .where(relay_cursor.c.name == name)
                .values(tx_id=0, position=2**63 - 1, system_identifier=THIS_CLUSTER)
            )
        return True


def logged(row: Row, trace: str | None = None) -> LoggedEvent:
    return LoggedEvent(
        at=LogPosition(row["tx_id"], row["position"]),
        id=row["id"],
        order_id=row["aggregateid"],
        seq=row["seq"],
        type=row["type"],
        payload=told(row["type"], row["payload"]),
        occurred_at=row["occurred_at"],
        trace=trace,
    )


def pair(place: LogPosition) -> ColumnElement[Any]:
    """As PostgreSQL compares places."""
    return tuple_(literal(place.tx_id, Xid8), literal(place.position, BigInteger))


def behind(place: LogPosition) -> ColumnElement[bool]:
    return pair(place) < _STANDS_AT


def standing_at(places: Sequence[LogPosition]) -> ColumnElement[bool]:
    """What stands at these places, of which there are some, given in their order."""
    # Positions have no index of their own: the ends say which part of the index of both is to be looked through.
    within = and_(pair(places[0]) <= _STANDS_AT, pair(places[-1]) >= _STANDS_AT)
    return and_(within, order_events.c.position.in_([place.position for place in places]))


def lease_of(reader: str) -> str:
    return f"reader {reader}"


async def _place(connection: AsyncConnection, name: str) -> LogPosition:
    """Raises LogOfAnotherCluster."""
    row = (await connection.execute(_CURSOR.where(relay_cursor.c.name == name))).one_or_none()
    if row is None:
        return LogPosition(0, 0)
    if row.system_identifier not in (None, row.this_cluster):
        raise LogOfAnotherCluster
    return LogPosition(row.tx_id, row.position)
