"""A transaction, in memory: all or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from order_service.ports import Transaction
from tests.in_memory.accounts import InMemoryAccounts
from tests.in_memory.erasing import InMemoryErasing
from tests.in_memory.once import InMemoryAnsweredRequests, InMemoryInbox
from tests.in_memory.orders import InMemoryOrders
from tests.in_memory.services import InMemoryServices
from tests.in_memory.sessions import InMemorySessions
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemoryTransaction:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.orders = InMemoryOrders(store)
        self.accounts = InMemoryAccounts(store)
        self.sessions = InMemorySessions(store)
        self.services = InMemoryServices(store)
        self.answered = InMemoryAnsweredRequests(store)
        self.inbox = InMemoryInbox(store)
        self.erasing = InMemoryErasing(store, self.orders)

    async def flush(self) -> None:
        await others_run()
        await self.orders.hold_changed()
        self.orders.flushed = self._written()

    async def commit(self) -> None:
        await others_run()
        await self.orders.hold_changed()
        await self.sessions.hold_accounts(self.accounts.held)
        self._store.committed = self._written()
        self.let_go()

    def let_go(self) -> None:
        for part in (self.orders, self.sessions, self.services, self.accounts, self.erasing):
            part.let_go()

    def _written(self) -> Committed:
        """What is committed by now, with everything that was staged here."""
        draft = self._store.committed.draft()
        for part in (
            self.answered,
            self.inbox,
            self.accounts,
            self.sessions,
            self.services,
            self.erasing,
            self.orders,
        ):
            part.write(draft)
        return draft


class InMemoryTransactions:
    def __init__(self, store: Store) -> None:
        self.store = store

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        transaction = InMemoryTransaction(self.store)
        try:
            yield transaction
        finally:
            transaction.let_go()
