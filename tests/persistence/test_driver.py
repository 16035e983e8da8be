"""A connection of the driver itself: what goes wrong with it is told as for any other."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.persistence.driver import driver, driver_of
from order_service.domain.errors import DependencyUnavailable

OTHERS = text("""
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
""")


@pytest.mark.parametrize(
    "answer",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("too many clients already"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        ConnectionRefusedError(),
    ],
)
async def test_a_server_that_takes_nobody_is_unavailable(answer: Exception) -> None:
    async def refused() -> None:
        raise answer

    engine = create_async_engine("postgresql+asyncpg://", connect_args={"async_creator_fn": refused})
    with pytest.raises((DependencyUnavailable, OSError)):
        async with driver(engine):
            raise AssertionError("there is no connection")


async def test_connections_that_ended_while_nobody_used_them_are_replaced(engine: AsyncEngine) -> None:
    ended: dict[int, asyncio.Event] = {}

    async def ask() -> int:
        async with driver(engine) as connection:
            if id(connection) not in ended:
                ended[id(connection)] = event = asyncio.Event()
                connection.add_termination_listener(lambda _: event.set())
            answer: int = await connection.fetchval("SELECT 1 FROM pg_sleep(0.05)")
            return answer

    await asyncio.gather(*(ask() for _ in range(3)))
    async with engine.connect() as connection:
        ended.pop(id(await driver_of(connection)), None)  # which is spared, if it is one of those
        assert await connection.scalar(OTHERS) > 0
    async with asyncio.timeout(5):
        await asyncio.gather(*(event.wait() for event in ended.values()))
    assert await asyncio.gather(*(ask() for _ in range(5))) == [1] * 5
