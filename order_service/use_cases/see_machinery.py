"""See how the machinery does."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import DeadLetterBox, JobBoard, JobsState, Lags, RelayLag, SettledLetters
from order_service.use_cases.administration import require_operator

_T = TypeVar("_T")

_PATIENCE_SECONDS = 3.0
"""Who looks would rather know that something does not answer than wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    """What cannot be known at the moment, because a dependency does not answer, is None.

    `consumer`: topic -> messages that are not heard yet. `dead_letters`: how many wait.
    """

    jobs: JobsState | None
    relay: RelayLag | None
    consumer: Mapping[str, int] | None
    dead_letters: int | None


class SeeMachinery:
    """Staff, and whoever runs the service. Raises InsufficientScope, NotAllowed."""

    def __init__(self, jobs: JobBoard, lags: Lags, letters: DeadLetterBox, settled: SettledLetters) -> None:
        self._jobs = jobs
        self._lags = lags
        self._letters = letters
        self._settled = settled

    async def __call__(self, *, by: Actor) -> Machinery:
        require_operator(by, scope=Scope.ORDERS_READ)
        jobs, relay, consumer, dead_letters = await asyncio.gather(
            _if_it_answers(self._jobs.state()),
            _if_it_answers(self._lags.of_relay()),
            _if_it_answers(self._lags.of_consumer()),
            _if_it_answers(self._waiting_letters()),
        )
        return Machinery(jobs=jobs, relay=relay, consumer=consumer, dead_letters=dead_letters)

    async def jobs(self, *, by: Actor) -> JobsState | None:
        """The job queue alone: nothing else is asked."""
        require_operator(by, scope=Scope.ORDERS_READ)
        return await _if_it_answers(self._jobs.state())

    async def _waiting_letters(self) -> int:
        extent = await self._letters.extent()
        kept = sum(end - first for first, end in extent.values())
        # In a topic that was made anew there may be fewer than were ever settled.
        return max(0, kept - await self._settled.count(extent))


async def _if_it_answers(asked: Awaitable[_T]) -> _T | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asked
    except (DependencyUnavailable, TimeoutError):
        return None
