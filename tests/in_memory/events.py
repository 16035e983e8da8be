"""What is told of orders, in memory."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from adapters.persistence.documents import told
from order_service.domain.errors import CursorExpired
from order_service.ports import EventLogReader, LoggedEvent, LogPage, LogPlace, LogPosition
from order_service.views import EventView
from tests.in_memory.order_views import view_of
from tests.in_memory.store import Store
from tests.in_memory.system import others_run


def _told(event: LoggedEvent) -> LoggedEvent:
    return replace(event, payload=told(event.type, event.payload))


class InMemoryEventLogReader:
    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    async def next_batch(self, limit: int, *, behind: LogPosition | None = None) -> Sequence[LoggedEvent]:
        await others_run()
        place = behind or self._store.places.get(self._name, LogPosition(0, 0))
        unread = [event for event in self._store.committed.events if event.at.position > place.position]
        return [_told(event) for event in unread[:limit]]

    async def advance(self, to: LogPosition) -> None:
        await others_run()
        self._store.places[self._name] = to


class InMemoryEventLog:
    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def reader(self, name: str) -> AsyncIterator[EventLogReader]:
        async with self._store.reading[name]:
            yield InMemoryEventLogReader(self._store, name)


class InMemoryEventArchive:
    """`origin` may be changed: as if the log had been restored into another cluster."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.origin = 1

    async def page(self, start: LogPlace | None, *, types: Collection[str], limit: int) -> LogPage:
        await others_run()
        if start is not None and start.origin != self.origin:
            raise CursorExpired
        here = LogPosition(0, 0) if start is None else start.at
        unread = [event for event in self._store.committed.events if event.at.position > here.position]
        wanted = [event for event in unread if not types or event.type in types]
        page = wanted[:limit]
        end = page[-1:] if len(wanted) >= limit else unread[-1:]
        return LogPage(
            events=[_told(event) for event in page],
            next_start=LogPlace(self.origin, end[0].at if end else here),
            is_last=len(wanted) < limit,
        )


class InMemoryEventFeed:
    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def follow(self, order_id: UUID) -> AsyncIterator[AsyncIterator[EventView]]:
        yield self._news(order_id, len(self._store.committed.events))

    async def _news(self, order_id: UUID, read: int) -> AsyncIterator[EventView]:
        while True:
            await others_run()
            unread = self._store.committed.events[read:]
            read += len(unread)
            for event in unread:
                if event.order_id == order_id:
                    yield view_of(event)


class ListPublisher:
    """`published` grows by what is handed over; while `broken`, every try fails."""

    def __init__(self) -> None:
        self.published: list[LoggedEvent] = []
        self.batches: list[int] = []
        self.broken: Exception | None = None

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        await others_run()
        if self.broken is not None:
            raise self.broken
        self.published.extend(events)
        self.batches.append(len(events))


class ListJobs:
    def __init__(self) -> None:
        self.waiting: list[UUID] = []

    async def enqueue_processing(self, order_id: UUID) -> None:
        self.waiting.append(order_id)
