"""Reading accounts: each question is one SELECT."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.accounts import account_from
from adapters.persistence.connecting import Around
from adapters.persistence.failures import in_domain_words
from adapters.persistence.tables import account_events, accounts
from order_service.ports import AccountFilter, AccountPage
from order_service.views import ActorView, EventView


class SqlAccountViews:
    def __init__(self, engine: AsyncEngine, *, around: Around = nullcontext) -> None:
        self._engine = engine
        self._around = around

    async def list(self, wanted: AccountFilter, *, start: UUID | None, limit: int) -> AccountPage:
        rows = await self._rows(list_query(wanted, start=start, limit=limit))
        page = [account_from(row._mapping) for row in rows[:limit]]
        return AccountPage(accounts=page, next_start=page[-1].id if len(rows) > limit else None)

    async def events(self, account_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        behind = (account_events.c.account_id == account_id) & (account_events.c.seq > after_seq)
        query = select(account_events).where(behind).order_by(account_events.c.seq).limit(limit)
        return [
            EventView(
                id=row.id,
                seq=row.seq,
                type=row.type,
                occurred_at=row.occurred_at,
                actor=ActorView(kind=row.actor_kind, id=row.actor_id),
                change=msgspec.json.decode(row.change),
            )
            for row in await self._rows(query)
        ]

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        with in_domain_words(), self._around("SELECT"):
            async with self._engine.connect() as connection:
                rows: Sequence[Any] = (await connection.execute(query)).all()
                return rows


def list_query(wanted: AccountFilter, *, start: UUID | None, limit: int) -> Select[Any]:
    """A page of `limit` accounts, and one too many, which says that there is a next page."""
    query = select(accounts).where(accounts.c.erased_at.is_(None))
    if wanted.role is not None:
        query = query.where(accounts.c.role == wanted.role)
    if wanted.email is not None:
        query = query.where(accounts.c.email == wanted.email)
    if start is not None:
        query = query.where(accounts.c.id < start)
    return query.order_by(accounts.c.id.desc()).limit(limit + 1)
