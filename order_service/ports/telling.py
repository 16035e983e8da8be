"""What is told of orders, and to whom."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from order_service.views import EventView


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A place in the log, in the order of commits: the writing transaction's id, then the row's number."""

    tx_id: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """`payload` is the message's JSON, ready to send: a `ToldEvent`, without personal data.

    `trace`: the `traceparent` (W3C) of the change, or of its telling; None outside of any trace.
    """

    at: LogPosition
    id: UUID
    order_id: UUID
    seq: int
    type: str
    payload: bytes
    occurred_at: datetime
    trace: str | None = None


class EventLogReader(Protocol):
    async def next_batch(self, limit: int, *, behind: LogPosition | None = None) -> Sequence[LoggedEvent]:
        """The oldest events behind the reader's place, in commit order; none may be committed before them later.

        Or behind another place, to read on while what came before is being told.
        """

    async def advance(self, to: LogPosition) -> None:
        """Moves the reader's place, durably."""


class EventLog(Protocol):
    def reader(self, name: str) -> AbstractAsyncContextManager[EventLogReader]:
        """The only active reader of this name, anywhere; waits until another one is gone."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A place in the log of one database cluster, `origin`: in another one it means nothing."""

    origin: int
    at: LogPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """`next_start` is where to go on, now or later; `is_last`: nothing more is there yet."""

    events: Sequence[LoggedEvent]
    next_start: LogPlace
    is_last: bool


class EventArchive(Protocol):
    async def page(self, start: LogPlace | None, *, types: Collection[str], limit: int) -> LogPage:
        """What is behind `start`, else from the beginning, in commit order; of all types when none is named.

        Raises CursorExpired for a place in another log than this, or if events behind it have left the log.
        """


class EventFeed(Protocol):
    def follow(self, order_id: UUID) -> AbstractAsyncContextManager[AsyncIterator[EventView]]:
        """The order's events that are committed from now on, oldest first, perhaps with some from just before.

        Ends when the reader is too slow to be waited for, or the service stops.
        """


class EventPublisher(Protocol):
    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        """Returns once every event is safely handed over, those of one order in the given order."""


class JobQueue(Protocol):
    async def enqueue_processing(self, order_id: UUID) -> None:
        """Asks for the order to be screened soon. A hint: it may be lost, or arrive twice."""
