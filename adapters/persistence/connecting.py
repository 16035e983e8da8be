"""A connection that is taken from the pool when it is first needed: many a transaction never needs one of its own."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from typing import Any

from sqlalchemy import CursorResult, Executable, ScalarResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Around = Callable[[str], AbstractContextManager[object]]
"""For whoever watches what is asked of the database: put around the wait for it, and told what that is."""

CurrentTrace = Callable[[], str | None]
"""Gives the `traceparent` (W3C) of what is being done."""

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class Connecting:
    """What is executed here happens in one transaction, which is rolled back unless it is committed.

    It goes back to the pool with `until`, whoever is cancelled meanwhile.
    """

    def __init__(self, engine: AsyncEngine, until: AsyncExitStack, around: Around) -> None:
        self._engine = engine
        self._until = until
        self._around = around
        self._opened: AsyncConnection | None = None

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    async def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[Any]:
        with self._around(_kind_of(statement)):
            return await (await self._connection()).execute(statement, parameters)

    async def scalar(self, statement: Executable) -> Any:
        with self._around(_kind_of(statement)):
            return await (await self._connection()).scalar(statement)

    async def scalars(self, statement: Executable) -> ScalarResult[Any]:
        with self._around(_kind_of(statement)):
            return await (await self._connection()).scalars(statement)

    async def commit(self) -> None:
        if self._opened is not None:
            await self._opened.commit()

    async def _connection(self) -> AsyncConnection:
        if self._opened is None:
            self._opened = await self._until.enter_async_context(self._engine.connect())
        return self._opened


def _kind_of(statement: Executable) -> str:
    return statement.__visit_name__.upper()
