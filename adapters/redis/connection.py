"""The connection to Redis, and what it means when there is none."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

CACHE_SECONDS = 0.25
"""Redis answers in well under a millisecond, or not at all: who waits longer for a cache loses more than it saves."""

LIMIT_SECONDS = 2.0
"""Longer than a busy process may keep its own answers waiting, else a flood of requests would undo its own limit."""

GONE = (RedisError, OSError)


def connect(url: str, *, patience: float, connections: int = 128) -> Redis:
    """Nothing connects before it is used; each wait, for a connection or an answer, ends after `patience` s."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=patience,
        socket_timeout=patience,
        socket_connect_timeout=patience,
    )
    return Redis.from_pool(pool)
