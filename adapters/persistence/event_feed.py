"""Events while they happen: one reader of the log per process, whoever many listen.

It reads by the same horizon as the relay, so nothing is missed; and only while somebody listens.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.column_types import Xid8
from adapters.persistence.event_log import SETTLED, behind, standing_at
from adapters.persistence.failures import in_domain_words
from adapters.persistence.order_views import event_view
from adapters.persistence.tables import order_events
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import LogPosition
from order_service.views import EventView

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_RETRY_SECONDS = 1.0
_AT_ONCE = 1_000
_MOST_WAITING = 100
"""Events that one listener may leave unread; then it is let go, to come back when it has caught up."""

_Listener = asyncio.Queue[EventView | None]


class SqlEventFeed:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._listeners: defaultdict[UUID, set[_Listener]] = defaultdict(set)
        self._reading: asyncio.Task[None] | None = None
        self._from_here: asyncio.Future[None] | None = None
        self._closed = False

    @asynccontextmanager
    async def follow(self, order_id: UUID) -> AsyncIterator[AsyncIterator[EventView]]:
        listener: _Listener = asyncio.Queue()
        self._listeners[order_id].add(listener)
        try:
            await self._until_reading()
            yield self._news(listener)
        finally:
            self._let_go(order_id, listener)

    async def close(self) -> None:
        """Ends every stream."""
        self._closed = True
        self._end_all()

    def _end_all(self) -> None:
        for order_id, listeners in list(self._listeners.items()):
            for listener in list(listeners):
                listener.put_nowait(None)
                self._let_go(order_id, listener)

    async def _news(self, listener: _Listener) -> AsyncIterator[EventView]:
        if self._closed:
            return
        while (event := await listener.get()) is not None:
            yield event

    async def _until_reading(self) -> None:
        """Until it is settled where to begin: what is committed later will be read."""
        if self._reading is None or self._reading.done():
            self._from_here = asyncio.get_running_loop().create_future()
            # In a context of its own: what it says in the log belongs to no single listener.
            self._reading = asyncio.get_running_loop().create_task(self._read(self._from_here), context=Context())
        if self._from_here is not None:
            await asyncio.shield(self._from_here)

    def _let_go(self, order_id: UUID, listener: _Listener) -> None:
        self._listeners[order_id].discard(listener)
        if not self._listeners[order_id]:
            del self._listeners[order_id]
        if not self._listeners and self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read(self, from_here: asyncio.Future[None]) -> None:
        place: LogPosition | None = None
        while True:
            try:
                with in_domain_words():
                    async with self._engine.connect() as connection:
                        if place is None:
                            place = await _end(connection)
                            from_here.set_result(None)
                        else:
                            place = await self._tell(connection, place)
            except DependencyUnavailable as error:  # whoever listens hears the rest when it is back
                if place is None:
                    from_here.set_exception(error)
                    return
                _log.warning("event streams wait: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception as error:
                if place is None:
                    from_here.set_exception(error)
                self._end_all()
                raise
            await asyncio.sleep(_POLL_SECONDS)

    async def _tell(self, connection: AsyncConnection, place: LogPosition) -> LogPosition:
        """Hands out what is behind `place`, up to where it ends. Most is nobody's, so its payload is not fetched."""
        in_order = (order_events.c.tx_id, order_events.c.position)
        news = select(*in_order, order_events.c.aggregateid).where(behind(place), SETTLED)
        rows = (await connection.execute(news.order_by(*in_order).limit(_AT_ONCE))).all()
        wanted = [LogPosition(row.tx_id, row.position) for row in rows if row.aggregateid in self._listeners]
        if wanted:
            events = select(order_events).where(standing_at(wanted)).order_by(*in_order)
            for row in (await connection.execute(events)).all():
                self._hand_out(row.aggregateid, event_view(row))
        return LogPosition(rows[-1].tx_id, rows[-1].position) if rows else place

    def _hand_out(self, order_id: UUID, event: EventView) -> None:
        for listener in list(self._listeners.get(order_id, ())):
            if listener.qsize() < _MOST_WAITING:
                listener.put_nowait(event)
            else:
                listener.put_nowait(None)
                self._let_go(order_id, listener)


async def _end(connection: AsyncConnection) -> LogPosition:
    """Behind all that is settled: every transaction below the horizon has ended."""
    horizon = await connection.scalar(select(func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8)))
    return LogPosition(int(horizon or 1) - 1, 2**63 - 1)
