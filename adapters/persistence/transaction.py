"""One transaction: what is staged in it is written by `commit`, all of it or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.accounts import SqlAccounts
from adapters.persistence.erasing import SqlErasing
from adapters.persistence.failures import in_domain_words
from adapters.persistence.once import SqlAnsweredRequests, SqlInbox
from adapters.persistence.orders import SqlOrders
from adapters.persistence.services import SqlServices
from adapters.persistence.sessions import SqlSessions
from order_service.ports import Transaction


class SqlTransaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.orders = SqlOrders(connection)
        self.accounts = SqlAccounts(connection)
        self.sessions = SqlSessions(connection)
        self.services = SqlServices(connection)
        self.answered = SqlAnsweredRequests(connection)
        self.inbox = SqlInbox(connection)
        self.erasing = SqlErasing(connection)

    async def commit(self) -> None:
        await self.flush()
        await self._connection.commit()

    async def flush(self) -> None:
        with in_domain_words():
            await self._write()

    async def _write(self) -> None:
        # Known orders first, as their locks are taken: who waits for one must not hold what its holder may need.
        # Then the records that settle races, and new orders last: a repeated request would meet its own external_ref.
        await self.orders.write_changed()
        await self.answered.write()
        await self.inbox.write()
        await self.accounts.write()
        await self.sessions.write()
        await self.services.write()
        await self.orders.write_new()


class SqlTransactions:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        with in_domain_words():
            async with self._engine.connect() as connection:
                yield SqlTransaction(connection)
