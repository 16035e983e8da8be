"""What the scheduler sees of all processes together, for the metrics."""

import asyncio
import logging
import math
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dishka import AsyncContainer
from prometheus_client import Gauge

from adapters.telemetry.metrics import Metrics
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Clock, JobsState, OrderViews, RelayLag
from order_service.use_cases.see_machinery import Machinery, SeeMachinery

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_SECONDS = 10.0
_MOST_STALLED = 1_000
_NOTHING = Machinery(jobs=None, relay=None, consumer=None, dead_letters=None)


async def sample_fleet(container: AsyncContainer, metrics: Metrics, *, stalled_after: timedelta) -> None:
    """Every ten seconds. Whatever cannot be known is not a number until it can."""
    see, views, clock = await container.get(SeeMachinery), await container.get(OrderViews), await container.get(Clock)
    topics: set[str] = set()
    while True:
        seen = await _answer(see(by=SYSTEM)) or _NOTHING
        _set_jobs(metrics.queue_jobs, seen.jobs)
        _set_lag(metrics, seen.relay)
        topics.update(seen.consumer or ())
        for topic in topics:
            metrics.consumer_lag.labels(topic).set(_known(None if seen.consumer is None else seen.consumer[topic]))
        metrics.dead_letters.set(_known(seen.dead_letters))
        stalled = await _answer(views.stalled(queued_before=clock.now() - stalled_after, limit=_MOST_STALLED))
        metrics.stalled_orders.set(_known(None if stalled is None else len(stalled)))
        await asyncio.sleep(_SECONDS)


async def _answer(asked: Awaitable[_T]) -> _T | None:
    """None if there is none. Whatever goes wrong: whoever only looks must not keep others from working."""
    try:
        return await asked
    except DependencyUnavailable:
        return None
    except Exception:  # noqa: BLE001 - see above
        _log.exception("the fleet could not be looked at")
        return None


def _set_jobs(gauge: Gauge, jobs: JobsState | None) -> None:
    for state in ("waiting", "delayed", "running", "dead"):
        gauge.labels(state).set(_known(None if jobs is None else getattr(jobs, state)))


def _set_lag(metrics: Metrics, lag: RelayLag | None) -> None:
    if lag is None:
        metrics.relay_lag_events.set(math.nan)
        metrics.relay_lag_seconds.set(math.nan)
        return
    age = 0.0 if lag.oldest is None else (datetime.now(UTC) - lag.oldest).total_seconds()
    metrics.relay_lag_events.set(lag.events)
    metrics.relay_lag_seconds.set(max(age, 0.0))


def _known(count: int | None) -> float:
    return math.nan if count is None else count
