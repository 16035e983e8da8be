"""What a process counts of its work, and of the parts that it is made of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dishka import AsyncContainer, Provider, Scope, decorate
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from adapters.redis.order_cache import RedisOrderCache
from adapters.redis.rate_limiter import RedisRateLimiter
from adapters.security.passwords import Argon2Passwords
from adapters.telemetry.beat import Beat
from adapters.telemetry.counted_ports import CountedCache, CountedLimiter, CountedPublisher
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.outcomes import timed_jobs, timed_messages, timed_use_cases
from adapters.telemetry.shared import is_shared
from composition.container import VERSION, Resources, make_container
from composition.logs import job_in_log, message_in_log
from composition.settings import Settings
from composition.telemetry.watching import Watches
from order_service import ports


class Telemetry:
    """What looks on in one event loop, called `loop`, and counts in `metrics`. (Traces are put around it later.)"""

    def __init__(self, metrics: Metrics, role: str, *, loop: str = "main") -> None:
        self.metrics = metrics
        self.beat = Beat(metrics, loop)
        metrics.build.labels(VERSION, role).set(1)

    @property
    def watches(self) -> Watches:
        return Watches(
            use_cases=[timed_use_cases(self.metrics)],
            messages=[message_in_log, timed_messages(self.metrics, self.beat)],
            jobs=[job_in_log, timed_jobs(self.metrics, self.beat)],
        )

    def container(self, settings: Settings, resources: Resources, *more: Provider) -> AsyncContainer:
        """The service, and what else this process has, watched by this."""
        return make_container(settings, resources, self.watches, more=[*more, Counting(self)])

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        beat = asyncio.create_task(self.beat.forever())
        try:
            yield
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat


def process_metrics() -> Metrics:
    """Of this process: in the role's directory, if it has one."""
    return Metrics(shared=is_shared())


class Counting(Provider):
    """Ports that count what goes through them, around those that do the work; and what is sampled of the parts."""

    scope = Scope.APP

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__()
        self._metrics, self._beat = telemetry.metrics, telemetry.beat

    @decorate
    def engine(self, engine: AsyncEngine) -> AsyncEngine:
        pool = engine.pool
        if isinstance(pool, QueuePool):
            in_use = self._metrics.postgresql_connections.labels(self._beat.loop, "in_use")
            idle = self._metrics.postgresql_connections.labels(self._beat.loop, "idle")
            self._metrics.postgresql_most.labels(self._beat.loop).set(pool.size())

            def sample() -> None:
                in_use.set(pool.checkedout())
                idle.set(pool.checkedin())

            self._beat.sample(sample)
        return engine

    @decorate
    def passwords(self, passwords: ports.PasswordHasher) -> ports.PasswordHasher:
        if isinstance(passwords, Argon2Passwords):
            self._beat.sample(lambda: self._metrics.passwords_in_hand.set(passwords.in_hand))
        return passwords

    @decorate
    def cache(self, cache: ports.OrderCache) -> ports.OrderCache:
        if isinstance(cache, RedisOrderCache):
            self._beat.sample(lambda: self._metrics.cache_bypassed.set(cache.is_bypassed))
        return CountedCache(cache, self._metrics)

    @decorate
    def limiter(self, limiter: ports.RateLimiter) -> ports.RateLimiter:
        if isinstance(limiter, RedisRateLimiter):
            counted = 0

            def sample() -> None:
                nonlocal counted
                self._metrics.limiter_unchecked.inc(limiter.unchecked - counted)
                counted = limiter.unchecked

            self._beat.sample(sample)
        return CountedLimiter(limiter, self._metrics)

    @decorate
    def publisher(self, publisher: ports.EventPublisher) -> ports.EventPublisher:
        return CountedPublisher(publisher, self._metrics, self._beat)
