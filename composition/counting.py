"""Ports that count what goes through them, put around those that do the work."""

from dishka import Provider, Scope, decorate
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from adapters.redis.order_cache import RedisOrderCache
from adapters.redis.rate_limiter import RedisRateLimiter
from adapters.security.passwords import Argon2Passwords
from adapters.telemetry.counted_ports import CountedCache, CountedLimiter, CountedPublisher
from composition.telemetry import Telemetry
from order_service import ports


class Counting(Provider):
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
