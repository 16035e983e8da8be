"""Accounts and their history, in memory."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from copy import copy
from uuid import UUID, uuid4

from adapters.persistence.accounts import change_of
from order_service.domain.account import Account
from order_service.domain.account_events import AccountEvent
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound, EmailTaken
from order_service.domain.recorded import Recorded
from order_service.ports import AccountFilter, AccountPage
from order_service.views import ActorView, EventView
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemoryAccounts:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[tuple[Account, Sequence[Recorded[AccountEvent]]]] = []
        self.held: dict[UUID, asyncio.Lock] = {}
        self._kept: Counter[UUID] = Counter()

    async def get(self, account_id: UUID, *, lock: bool = False) -> Account:
        await others_run()
        if lock and account_id not in self.held:
            await self._store.changing_accounts[account_id].acquire()
            self.held[account_id] = self._store.changing_accounts[account_id]
        if account_id not in self._store.committed.accounts:
            raise AccountNotFound
        return copy(self._store.committed.accounts[account_id])

    async def keep(self, account_id: UUID) -> None:
        while account_id in self._store.ending:
            await others_run()
        if account_id not in self._store.committed.accounts:
            raise AccountNotFound
        self._store.kept[account_id] += 1
        self._kept[account_id] += 1

    async def by_email(self, email: str) -> Account | None:
        await others_run()
        return next((copy(known) for known in self._store.committed.accounts.values() if known.email == email), None)

    def add(self, account: Account) -> None:
        self.save(account)

    def save(self, account: Account) -> None:
        events = account.take_events()
        self._staged.append((copy(account), events))

    def write(self, draft: Committed) -> None:
        for account, events in self._staged:
            known = draft.accounts.get(account.id)
            if (0 if known is None else known.version) != account.version - len(events):
                raise AccountChangedMeanwhile
            others = [known for known in draft.accounts.values() if known.id != account.id]
            if any(known.email == account.email for known in others):
                raise EmailTaken
            draft.accounts[account.id] = account
            draft.account_events += [(account.id, view_of_account(event)) for event in events]

    def let_go(self) -> None:
        self._store.kept -= self._kept
        self._kept.clear()
        while self.held:
            self.held.popitem()[1].release()


def view_of_account(recorded: Recorded[AccountEvent]) -> EventView:
    return EventView(
        id=uuid4(),
        seq=recorded.seq,
        type=recorded.event.type,
        occurred_at=recorded.at,
        actor=ActorView(kind=recorded.by.kind, id=recorded.by.id),
        change=change_of(recorded),
    )


class InMemoryAccountViews:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, wanted: AccountFilter, *, start: UUID | None, limit: int) -> AccountPage:
        await others_run()
        matching = [
            copy(account)
            for account in sorted(self._store.committed.accounts.values(), key=lambda one: one.id, reverse=True)
            if wanted.role in (None, account.role)
            and wanted.email in (None, account.email)
            and (start is None or account.id < start)
        ]
        page = matching[:limit]
        return AccountPage(accounts=page, next_start=page[-1].id if len(matching) > limit else None)

    async def events(self, account_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        await others_run()
        events = [event for of, event in self._store.committed.account_events if of == account_id]
        return [event for event in events if event.seq > after_seq][:limit]
