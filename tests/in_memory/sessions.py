"""Sessions, in memory."""

import asyncio
from collections.abc import Collection, Sequence
from copy import copy
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound, SessionNotFound
from order_service.domain.session import Session
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemorySessions:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[Session] = []
        self._begun: list[Account] = []
        self._held: list[asyncio.Lock] = []

    async def get(self, session_id: UUID) -> Session:
        if session_id not in self._store.committed.sessions:
            raise SessionNotFound
        await self._hold(session_id)
        return copy(self._store.committed.sessions[session_id])

    async def of(self, account_id: UUID) -> Sequence[Session]:
        await others_run()
        found = [
            known
            for known in self._store.committed.sessions.values()
            if known.account_id == account_id and known.ended_at is None
        ]
        for session in found:
            await self._hold(session.id)
        newest_first = sorted(found, key=lambda session: (session.began_at, session.id), reverse=True)
        return [copy(self._store.committed.sessions[session.id]) for session in newest_first]

    async def all_of(self, account_id: UUID) -> Sequence[Session]:
        await others_run()
        found = [known for known in self._store.committed.sessions.values() if known.account_id == account_id]
        return [copy(one) for one in sorted(found, key=lambda one: (one.began_at, one.id), reverse=True)]

    def add(self, session: Session, *, of: Account) -> None:
        self._staged.append(copy(session))
        self._begun.append(of)

    def save(self, session: Session) -> None:
        self._staged.append(copy(session))

    async def hold_accounts(self, held: Collection[UUID]) -> None:
        """Those of which a session begins, unless they are `held` in this transaction."""
        for account in self._begun:
            if account.id not in held:
                lock = self._store.changing_accounts[account.id]
                await lock.acquire()
                self._held.append(lock)

    def write(self, draft: Committed) -> None:
        for account in self._begun:
            if account.id not in draft.accounts:
                raise AccountNotFound
            if draft.accounts[account.id].version != account.version:
                raise AccountChangedMeanwhile
        draft.sessions |= {session.id: session for session in self._staged}

    def let_go(self) -> None:
        while self._held:
            self._held.pop().release()

    async def _hold(self, session_id: UUID) -> None:
        lock = self._store.changing[session_id]
        await lock.acquire()
        self._held.append(lock)
