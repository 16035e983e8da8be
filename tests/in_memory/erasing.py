"""The end of an account, in memory."""

import asyncio
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.persistence.documents import redacted_payload
from order_service.domain.account import Account
from order_service.domain.actor import Role
from order_service.domain.errors import AccountNotFound
from order_service.domain.order import Order
from order_service.domain.session import Session
from order_service.ports import LoggedEvent
from order_service.views import EventView
from tests.in_memory.accounts import view_of_account
from tests.in_memory.orders import InMemoryOrders
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemoryErasing:
    def __init__(self, store: Store, orders: InMemoryOrders) -> None:
        self._store = store
        self._orders = orders
        self._ending: set[UUID] = set()
        self._held: list[asyncio.Lock] = []
        self._ended: dict[UUID, datetime] = {}
        self._events: list[tuple[UUID, EventView]] = []
        self._rewritten: list[tuple[UUID, set[UUID]]] = []

    async def hold(self, account_id: UUID) -> Account:
        while account_id in self._store.ending:
            await others_run()
        self._store.ending.add(account_id)
        self._ending.add(account_id)
        while self._store.kept[account_id]:
            await others_run()
        await self._store.changing_accounts[account_id].acquire()
        self._held.append(self._store.changing_accounts[account_id])
        if account_id not in self._store.committed.accounts:
            raise AccountNotFound
        return copy(self._store.committed.accounts[account_id])

    async def has_other_admin(self, account_id: UUID) -> bool:
        admins = [known.id for known in self._store.committed.accounts.values() if known.role is Role.ADMIN]
        return any(admin not in {account_id, *self._store.ending} for admin in admins)

    async def open_orders(self, customer_id: UUID) -> int:
        await others_run()
        known = self._store.committed.orders.values()
        return sum(order.customer_id == customer_id and not order.is_over for order in known)

    async def end_account(self, account: Account, *, at: datetime) -> None:
        self._ended[account.id] = at
        self._events += [(account.id, view_of_account(event)) for event in account.take_events()]

    async def unfinished(self) -> Sequence[UUID]:
        return list(self._store.committed.unfinished)

    async def next_orders(self, account_id: UUID, *, limit: int) -> Sequence[Order]:
        await others_run()
        done = self._store.committed.unfinished.get(account_id)
        mine = [order for order in self._store.committed.orders.values() if order.customer_id == account_id]
        left = [] if done is None else sorted(order.id for order in mine if order.id not in done)[:limit]
        return [await self._orders.get(order_id, only_of=None, lock=True) for order_id in left]

    async def rewrite(self, account_id: UUID, orders: Sequence[Order]) -> None:
        self._rewritten.append((account_id, {order.id for order in orders}))

    def write(self, draft: Committed) -> None:
        draft.account_events += self._events
        for account_id, at in self._ended.items():
            del draft.accounts[account_id]
            draft.unfinished[account_id] = set()
            for session in [known for known in draft.sessions.values() if known.account_id == account_id]:
                draft.sessions[session.id] = Session(
                    id=session.id,
                    account_id=account_id,
                    began_at=at,
                    refreshed_at=at,
                    expires_at=at,
                    ended_at=at,
                    token_hash=b"",
                )
            draft.answered = {key: value for key, value in draft.answered.items() if key[0] != account_id}
        for account_id, order_ids in self._rewritten:
            if order_ids:
                draft.unfinished[account_id] = draft.unfinished[account_id] | order_ids
                draft.events = [_redacted(one) if one.order_id in order_ids else one for one in draft.events]
            else:
                draft.unfinished.pop(account_id, None)

    def let_go(self) -> None:
        self._store.ending -= self._ending
        self._ending.clear()
        while self._held:
            self._held.pop().release()


def _redacted(event: LoggedEvent) -> LoggedEvent:
    payload = redacted_payload(event.type, event.payload)
    return event if payload is None else replace(event, payload=payload.encode())
