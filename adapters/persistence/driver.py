"""The driver itself, for the few statements that most requests wait for: SQLAlchemy triples what they cost."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util.concurrency import greenlet_spawn

from adapters.persistence.failures import means_gone
from order_service.domain.errors import DependencyUnavailable


@asynccontextmanager
async def driver(engine: AsyncEngine) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the pool, without a transaction: each statement stands for itself.

    It comes from the pool itself: what SQLAlchemy would wrap around it costs as much as a statement does.
    """
    lent = await _lent(engine)
    found = lent.driver_connection
    assert isinstance(found, asyncpg.Connection)  # noqa: S101 - for the type checker
    try:
        with lost_is_unavailable(found):
            yield found
    finally:
        if found.is_closed():  # which the pool did not see, as it was not asked
            lent.invalidate()
        await greenlet_spawn(lent.close)


async def _lent(engine: AsyncEngine) -> PoolProxiedConnection:
    """One that has not ended while nobody used it: on it nothing can be sent, and nothing was. Another is made."""
    dialect = engine.dialect
    assert isinstance(dialect, PGDialect_asyncpg)  # noqa: S101 - for the type checker
    try:
        while True:
            lent: PoolProxiedConnection = await greenlet_spawn(engine.pool.connect)
            if not lent.driver_connection.is_closed():  # type: ignore[union-attr]  # there is one, once it is lent
                return lent
            lent.invalidate()
    except dialect.loaded_dbapi.Error as error:  # what an engine would say for it, a pool does not
        if not means_gone(error.sqlstate) and not isinstance(error, dialect.loaded_dbapi.InterfaceError):
            raise
        raise DependencyUnavailable("PostgreSQL") from error


async def driver_of(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """What is under a connection. Whoever uses it sees to what `driver` sees to."""
    found = (await connection.get_raw_connection()).driver_connection
    assert isinstance(found, asyncpg.Connection)  # noqa: S101 - for the type checker
    return found


@contextmanager
def lost_is_unavailable(connection: "asyncpg.Connection[asyncpg.Record]") -> Iterator[None]:
    """A connection that is closed meanwhile is no misuse. Raises DependencyUnavailable."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        if not connection.is_closed():  # then it was used wrongly
            raise
        raise DependencyUnavailable("PostgreSQL") from error
