"""The connection to Redis, and what it means when there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from order_service.domain.errors import DependencyUnavailable

_PATIENCE_SECONDS = 0.25
"""Redis answers in well under a millisecond, or not at all: who waits longer for a cache loses more than it saves."""

GONE = (RedisError, OSError)


def connect(url: str, *, connections: int = 128) -> Redis:
    """Nothing connects before it is used; every wait, for a connection or an answer, ends after 0.25 s."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=_PATIENCE_SECONDS,
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
    )
    return Redis.from_pool(pool)


@contextmanager
def in_domain_words() -> Iterator[None]:
    try:
        yield
    except GONE as error:
        raise DependencyUnavailable("Redis") from error
