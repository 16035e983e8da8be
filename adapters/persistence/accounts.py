"""Accounts: the aggregate, its row and its events."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from uuid_utils.compat import uuid7

from adapters.persistence.connecting import Connecting
from adapters.persistence.documents import Row, json_text
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.tables import account_events, accounts
from order_service.domain.account import Account
from order_service.domain.account_events import AccountEvent
from order_service.domain.actor import Role
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound
from order_service.domain.recorded import Recorded


class SqlAccounts:
    def __init__(self, connection: Connecting, reads: GatheredReads) -> None:
        self._connection = connection
        self._reads = reads
        self.kept: list[UUID] = []
        self._inserts: list[dict[str, Any]] = []
        self._updates: list[tuple[int, dict[str, Any]]] = []
        self._events: list[dict[str, Any]] = []

    async def get(self, account_id: UUID, *, lock: bool = False) -> Account:
        query = select(accounts).where(accounts.c.id == account_id, accounts.c.erased_at.is_(None))
        if lock:
            query = query.with_for_update(key_share=True)  # who refers to the account need not wait
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise AccountNotFound
        return account_from(row._mapping)

    async def keep(self, account_id: UUID) -> None:
        self.kept.append(account_id)

    async def by_email(self, email: str) -> Account | None:
        if not self._connection.is_open:
            found = await self._reads.account_row(email)
            return None if found is None else account_from(found)
        row = (await self._connection.execute(select(accounts).where(accounts.c.email == email))).one_or_none()
        return None if row is None else account_from(row._mapping)

    def add(self, account: Account) -> None:
        self._inserts.append(_values(account))
        self._events.extend(event_rows(account))

    def save(self, account: Account) -> None:
        events = list(event_rows(account))
        self._updates.append((account.version - len(events), _values(account)))
        self._events.extend(events)

    async def hold_kept(self) -> None:
        for account_id in self.kept:
            query = select(accounts.c.id).where(accounts.c.id == account_id, accounts.c.erased_at.is_(None))
            if await self._connection.scalar(query.with_for_update(read=True, key_share=True)) is None:
                raise AccountNotFound
        self.kept.clear()

    @property
    def has_staged(self) -> bool:
        return bool(self._inserts or self._updates or self._events)

    async def write(self) -> None:
        if self._inserts:
            await self._connection.execute(insert(accounts), self._inserts)
            self._inserts.clear()
        for loaded_version, row in self._updates:
            unchanged = (accounts.c.id == row["id"]) & (accounts.c.version == loaded_version)
            written = await self._connection.execute(update(accounts).where(unchanged).values(row))
            if not written.rowcount:
                raise AccountChangedMeanwhile
        self._updates.clear()
        if self._events:
            await self._connection.execute(insert(account_events), self._events)
            self._events.clear()


def _values(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "password_hash": account.password_hash,
        "role": account.role,
        "created_at": account.created_at,
        "version": account.version,
    }


def event_rows(account: Account) -> Iterator[dict[str, Any]]:
    """Of the events since it was loaded, which are taken from it."""
    for recorded in account.take_events():
        yield {
            "id": uuid7(),
            "account_id": account.id,
            "seq": recorded.seq,
            "type": recorded.event.type,
            "occurred_at": recorded.at,
            "actor_kind": recorded.by.kind,
            "actor_id": recorded.by.id,
            "change": json_text(change_of(recorded)),
        }


def change_of(recorded: Recorded[AccountEvent]) -> dict[str, object]:
    """A trailing underscore (`from_`) only keeps clear of a Python keyword."""
    return {name.rstrip("_"): value for name, value in asdict(recorded.event).items()}


def account_from(row: Row) -> Account:
    return Account(
        id=row["id"],
        email=row["email"],
        password_hash=row["password_hash"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        version=row["version"],
    )
