"""Hearing a batch of records: those of one order after the other, those of different orders at the same time.

At the same time, because what many ask of PostgreSQL and Redis at once is answered together (see `gathering.py`).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from adapters.kafka.messages import Poison
from order_service.domain.errors import DependencyUnavailable, OrderServiceError

_log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_PATIENCE_SECONDS = 120.0  # then the batch is given back and fetched anew, before the broker takes us for dead
_TRIES_OF_A_BUG = 3
_MOST_AT_ONCE = 100  # orders: as many as are answered together

Record = Any
"""aiokafka's ConsumerRecord."""

Handle = Callable[[Record], Awaitable[None]]

Around = Callable[[Record], AbstractContextManager[object]]
"""For whoever watches: it sees a record being tried, and the exception that made it a dead letter or let it wait."""


class Letters(Protocol):
    async def put(self, record: Record, *, cause: str, detail: str) -> None:
        """Keeps a record that no retry makes right. Raises DependencyUnavailable."""


class Hearing:
    """Returns once every record of a batch is done with: it took effect, or is a dead letter.

    A dependency that is gone is waited for in place, by all who need it together. Raises DependencyUnavailable if
    that takes too long: then some of the batch took effect, and all of it has to come again.
    """

    def __init__(
        self,
        handle: Handle,
        dead_letters: Letters,
        *,
        patience: float = _PATIENCE_SECONDS,
        around: Around = nullcontext,
    ) -> None:
        self._handle = handle
        self._dead_letters = dead_letters
        self._patience = patience
        self._around = around

    async def __call__(self, records: Sequence[Record]) -> None:
        left, pause, waits_since = _in_order(records), _FIRST_PAUSE_SECONDS, None
        while failures := await self._as_far_as_it_goes(left):
            left = [some for some in left if some]
            waits_since = waits_since or time.monotonic()
            gives_up = time.monotonic() - waits_since >= self._patience
            does = "gives back" if gives_up else "waits with"
            _log.warning("consumer %s messages of %s: %s", does, records[0].topic, failures[0])
            await asyncio.sleep(pause)
            if gives_up:
                raise failures[0]
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _as_far_as_it_goes(self, orders: Sequence[deque[Record]]) -> Sequence[DependencyUnavailable]:
        """Takes out of each what is done with, and gives what stopped those that have something left."""
        waiting = iter(orders)
        failures: list[DependencyUnavailable] = []

        async def some() -> None:
            for records in waiting:
                try:
                    while records:
                        await self._one(records[0])
                        records.popleft()
                except DependencyUnavailable as error:
                    failures.append(error)

        async with asyncio.TaskGroup() as tasks:  # whatever stops one of them, none is left behind
            for _ in range(min(_MOST_AT_ONCE, len(orders))):
                tasks.create_task(some())
        return failures

    async def _one(self, record: Record) -> None:
        try:
            with self._around(record):
                await self._tried(record)
        except Poison as poison:
            await self._dies(record, cause=poison.cause, detail=str(poison))
        except DependencyUnavailable:
            raise
        except OrderServiceError as refusal:
            await self._dies(record, cause=refusal.code, detail=str(refusal))

    async def _dies(self, record: Record, *, cause: str, detail: str) -> None:
        await self._dead_letters.put(record, cause=cause, detail=detail)
        _log.warning("a dead letter: %s/%d@%d (%s)", record.topic, record.partition, record.offset, cause)

    async def _tried(self, record: Record) -> None:
        """Tries a bug's victim a few times, then calls it poison."""
        pause, tries = _FIRST_PAUSE_SECONDS, 1
        while True:
            try:
                return await self._handle(record)
            except (OrderServiceError, Poison):
                raise
            except Exception as error:
                _log.exception("message %s/%d@%d failed", record.topic, record.partition, record.offset)
                if tries == _TRIES_OF_A_BUG:
                    raise Poison("unexpected-error", type(error).__name__) from error
            tries += 1
            await asyncio.sleep(pause)
            pause *= 2


def _in_order(records: Sequence[Record]) -> list[deque[Record]]:
    """Those of one key together, in their order; those without one by their partition, for want of better."""
    of: dict[Any, deque[Record]] = {}
    for record in records:
        of.setdefault(record.partition if record.key is None else record.key, deque()).append(record)
    return list(of.values())
