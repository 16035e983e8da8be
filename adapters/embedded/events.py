"""Events and jobs without a broker: handed from one part of the process to another.

Both are hints. What is lost with the process is found again in the database when it starts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from order_service.domain.errors import JobNotFound
from order_service.ports import DeadJob, JobsState, LoggedEvent

_log = logging.getLogger(__name__)

Listener = Callable[[LoggedEvent], Awaitable[None]]


class InProcessEvents:
    """Publishes an event by calling whoever listens to its type."""

    def __init__(self, listeners: Mapping[str, Listener]) -> None:
        self._listeners = listeners

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        for event in events:
            listener = self._listeners.get(event.type)
            if listener is not None:
                await listener(event)


class InProcessJobs:
    """Orders that wait for screening, each at most once, with the trace of who asked for it."""

    def __init__(self, *, current_trace: Callable[[], str | None] = lambda: None) -> None:
        self._current_trace = current_trace
        self._waiting: asyncio.Queue[tuple[UUID, str | None]] = asyncio.Queue()
        self._queued: set[UUID] = set()
        self._running = 0

    async def enqueue_processing(self, order_id: UUID) -> None:
        if order_id not in self._queued:
            self._queued.add(order_id)
            self._waiting.put_nowait((order_id, self._current_trace()))

    async def work(self, process: Callable[[UUID, str | None], Awaitable[None]]) -> None:
        """Runs the jobs one after the other, for ever. One that fails is left to the search for stalled orders."""
        while True:
            order_id, trace = await self._waiting.get()
            self._queued.discard(order_id)
            self._running += 1
            try:
                await process(order_id, trace)
            except Exception:  # noqa: BLE001 - the next job must run, whatever happened to this one
                _log.exception("processing of order %s failed", order_id, extra={"order_id": order_id})
            finally:
                self._running -= 1

    async def state(self) -> JobsState:
        """None is ever dead: one that failed is asked for again."""
        return JobsState(
            waiting=self._waiting.qsize(), delayed=0, running=self._running, dead=0, processes=(), newest_dead=()
        )

    async def retry(self, _: str) -> DeadJob:
        raise JobNotFound
