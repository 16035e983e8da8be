"""Ports that count what goes through them, each around the one that does the work."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from prometheus_client import Counter

from adapters.telemetry.beat import Beat
from adapters.telemetry.metrics import Metrics
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Allowance, EventPublisher, LoggedEvent, OrderCache, Quota, RateLimiter
from order_service.views import RenderedOrder

_log = logging.getLogger(__name__)

_GUESSES = "guesses"


class CountedCache:
    def __init__(self, cache: OrderCache, metrics: Metrics) -> None:
        self._cache = cache
        self.put = cache.put
        self._hit, self._miss = metrics.cache_reads.labels("hit"), metrics.cache_reads.labels("miss")

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        counts = self._hit

        def load_and_note() -> Awaitable[RenderedOrder]:
            nonlocal counts
            counts = self._miss
            return load()

        try:
            return await self._cache.get(order_id, load_and_note)
        finally:
            counts.inc()


class CountedLimiter:
    """Passwords that are guessed are told in the log, too, without saying whose."""

    def __init__(self, limiter: RateLimiter, metrics: Metrics) -> None:
        self._limiter = limiter
        self._takes = metrics.limiter_takes
        self._counters: dict[tuple[str, str], Counter] = {}
        self.give_back = limiter.give_back

    async def take(self, quota: Quota, subject: str) -> Allowance:
        try:
            allowance = await self._limiter.take(quota, subject)
        except DependencyUnavailable:
            self._count(quota, "unavailable")
            raise
        self._count(quota, "allowed" if allowance.allowed else "refused")
        if not allowance.allowed and quota.name.startswith(_GUESSES):
            _log.warning("too many wrong passwords for one account: a try is refused (%s)", quota.name)
        return allowance

    def _count(self, quota: Quota, outcome: str) -> None:
        counter = self._counters.get((quota.name, outcome))
        if counter is None:
            counter = self._counters[quota.name, outcome] = self._takes.labels(quota.name, outcome)
        counter.inc()


class CountedPublisher:
    def __init__(self, publisher: EventPublisher, metrics: Metrics, beat: Beat) -> None:
        self._publisher = publisher
        self._events, self._seconds = metrics.relay_events, metrics.relay_seconds
        self._beat = beat

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        work, began = object(), time.perf_counter()
        self._beat.begins(work)
        try:
            await self._publisher.publish(events)
        finally:
            self._beat.ends(work)
        self._seconds.observe(time.perf_counter() - began)
        self._events.inc(len(events))
