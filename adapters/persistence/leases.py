"""One at a time, in all processes together: an advisory lock of PostgreSQL, held by a session of its own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from time import monotonic

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.failures import in_domain_words

_RETRY_SECONDS = 0.5


class SqlLeases:
    """Of those in this process who want the same lease one asks for it: whoever asks waits with a connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        async with self._asking[name]:
            with in_domain_words():
                async with lease(self._engine, name):
                    yield


class LeaseTaken(Exception):
    """Somebody else holds the lease, for longer than one wanted to wait."""


@asynccontextmanager
async def lease(engine: AsyncEngine, name: str, *, patience: float = inf) -> AsyncIterator[AsyncConnection]:
    """The connection that holds the lease; `engine` must be in autocommit, so that waiting holds no snapshot.

    Raises LeaseTaken when it has waited for `patience` seconds.
    """
    until = monotonic() + patience
    async with engine.connect() as connection:
        take = text("SELECT pg_try_advisory_lock(hashtext('order-service'), hashtext(:name))")
        while not await connection.scalar(take, {"name": name}):
            if monotonic() > until:
                raise LeaseTaken(name)
            await asyncio.sleep(_RETRY_SECONDS)
        try:
            yield connection
        finally:
            # The lock belongs to the session: closing it lets go, even when it cannot answer any more.
            await connection.invalidate()
