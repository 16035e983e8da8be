"""The rate limiter in Redis: one allowance for all processes together."""

import logging
from collections.abc import Sequence

from redis.asyncio import Redis

from adapters.gathering import Gathering
from adapters.redis.connection import GONE
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Allowance, Quota

_log = logging.getLogger(__name__)

# The generic cell rate algorithm, in microseconds of Redis's own clock: one number per subject, the time at which its
# allowance is whole again. KEYS: subjects, one after the other, and again where they ask again. ARGV, for each:
# microseconds between two requests, requests at once. Answers with what each of them is told.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for at, subject in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * at - 1]), tonumber(ARGV[2 * at])
  local whole = math.max(tonumber(redis.pcall('GET', subject)) or now, now)  -- whatever is no number is not ours
  local left = burst * interval - (whole + interval - now)
  if left < 0 then
    answers[at] = {0, 0, -left, whole - now}
  else
    whole = whole + interval
    redis.call('SET', subject, string.format('%.0f', whole), 'PX', math.ceil((whole - now) / 1000))
    answers[at] = {1, math.floor(left / interval), 0, whole - now}
  end
end
return answers
"""
_MOST = 256
"""As many as a process works on at once: where Redis does not answer, nobody waits for more than two calls."""

# KEYS: subject. ARGV: microseconds between two requests.
_GIVE_BACK = """
local whole = tonumber(redis.call('GET', KEYS[1]))
if not whole then return end
redis.call('SET', KEYS[1], string.format('%.0f', whole - ARGV[1]), 'KEEPTTL')
"""


class RedisRateLimiter:
    """`unchecked` counts the requests let through because Redis did not answer.

    All who ask at the same time are counted by one call, in the order in which they ask.
    """

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(_TAKE)
        self._give_back = redis.register_script(_GIVE_BACK)
        self._take = Gathering(self._taken, most=_MOST, at_once=1)  # two could overtake each other
        self.unchecked = 0

    async def close(self) -> None:
        """Waits for the answers that somebody waits for. Redis is closed after that."""
        await self._take.close()

    async def take(self, quota: Quota, subject: str) -> Allowance:
        try:
            return await self._take((quota, subject))
        except GONE as error:
            self._let_through(quota, error)
            return Allowance(allowed=True, remaining=quota.limit, retry_after=0, reset=0)

    async def give_back(self, quota: Quota, subject: str) -> None:
        try:
            await self._give_back(keys=[_key(quota, subject)], args=[_interval(quota)])
        except GONE as error:
            self._let_through(quota, error)

    async def _taken(self, asked: Sequence[tuple[Quota, str]]) -> Sequence[Allowance]:
        keys = [_key(quota, subject) for quota, subject in asked]
        rates = [number for quota, _ in asked for number in (_interval(quota), quota.limit)]
        return [_allowance(*answer) for answer in await self._script(keys=keys, args=rates)]

    def _let_through(self, quota: Quota, error: Exception) -> None:
        if quota.guards_secrets:
            raise DependencyUnavailable("Redis") from error
        self.unchecked += 1
        _log.warning("rate limiter: %s; %d requests unchecked", error, self.unchecked)


def _allowance(allowed: int, remaining: int, retry_after: int, reset: int) -> Allowance:
    return Allowance(allowed=bool(allowed), remaining=remaining, retry_after=retry_after / 1e6, reset=reset / 1e6)


def _key(quota: Quota, subject: str) -> str:
    return f"limit:{quota.name}:{subject}"


def _interval(quota: Quota) -> int:
    """Microseconds between two requests."""
    return round(quota.window.total_seconds() * 1_000_000 / quota.limit)
