"""In Redis: where accounts were logged in from, for all processes together."""

from datetime import timedelta

from redis.asyncio import Redis

from adapters.redis.connection import GONE
from order_service.domain.errors import DependencyUnavailable


class RedisKnownOrigins:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def has(self, place: str) -> bool:
        try:
            return bool(await self._redis.exists(_key(place)))
        except GONE as error:
            raise DependencyUnavailable("Redis") from error

    async def remember(self, place: str, *, lifetime: timedelta) -> None:
        try:
            await self._redis.set(_key(place), b"", px=lifetime)
        except GONE as error:
            raise DependencyUnavailable("Redis") from error


def _key(place: str) -> str:
    return f"origin:{place}"
