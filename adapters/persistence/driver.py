"""The driver itself, for the few statements that most requests wait for: SQLAlchemy triples what they cost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from order_service.domain.errors import DependencyUnavailable


@asynccontextmanager
async def driver(engine: AsyncEngine) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the pool, without a transaction: each statement stands for itself."""
    async with engine.connect() as connection:
        found = (await connection.get_raw_connection()).driver_connection
        assert isinstance(found, asyncpg.Connection)  # noqa: S101 - for the type checker
        try:
            yield found
        except asyncpg.InterfaceError as error:
            if not found.is_closed():  # then it was used wrongly
                raise
            raise DependencyUnavailable("PostgreSQL") from error
        finally:
            if found.is_closed():  # which the pool did not see, as it was not asked
                await connection.invalidate()
