"""The rate limiter in Redis: one allowance for all processes together."""

import logging

from redis.asyncio import Redis

from adapters.redis.connection import GONE
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Allowance, Quota

_log = logging.getLogger(__name__)

# The generic cell rate algorithm, in microseconds of Redis's own clock: one number per subject, the time at which its
# allowance is whole again. KEYS: subject. ARGV: microseconds between two requests, requests at once.
_TAKE = """
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local left = burst * interval - (whole + interval - now)
if left < 0 then return {0, 0, -left, whole - now} end
redis.call('SET', KEYS[1], string.format('%.0f', whole + interval), 'PX', math.ceil((whole + interval - now) / 1000))
return {1, math.floor(left / interval), 0, whole + interval - now}
"""

# KEYS: subject. ARGV: microseconds between two requests.
_GIVE_BACK = """
local whole = tonumber(redis.call('GET', KEYS[1]))
if not whole then return end
redis.call('SET', KEYS[1], string.format('%.0f', whole - ARGV[1]), 'KEEPTTL')
"""


class RedisRateLimiter:
    """`unchecked` counts the requests let through because Redis did not answer."""

    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(_TAKE)
        self._give_back = redis.register_script(_GIVE_BACK)
        self.unchecked = 0

    async def take(self, quota: Quota, subject: str) -> Allowance:
        try:
            allowed, remaining, retry_after, reset = await self._take(
                keys=[_key(quota, subject)], args=[_interval(quota), quota.limit]
            )
        except GONE as error:
            self._let_through(quota, error)
            return Allowance(allowed=True, remaining=quota.limit, retry_after=0, reset=0)
        return Allowance(allowed=bool(allowed), remaining=remaining, retry_after=retry_after / 1e6, reset=reset / 1e6)

    async def give_back(self, quota: Quota, subject: str) -> None:
        try:
            await self._give_back(keys=[_key(quota, subject)], args=[_interval(quota)])
        except GONE as error:
            self._let_through(quota, error)

    def _let_through(self, quota: Quota, error: Exception) -> None:
        if quota.guards_secrets:
            raise DependencyUnavailable("Redis") from error
        self.unchecked += 1
        _log.warning("rate limiter: %s; %d requests unchecked", error, self.unchecked)


def _key(quota: Quota, subject: str) -> str:
    return f"limit:{quota.name}:{subject}"


def _interval(quota: Quota) -> int:
    """Microseconds between two requests."""
    return round(quota.window.total_seconds() * 1_000_000 / quota.limit)
