"""Accounts and their rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.persistence.tables import accounts
from order_service.domain.account import Account
from order_service.domain.actor import Role
from order_service.domain.errors import AccountNotFound


class SqlAccounts:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._inserts: list[dict[str, Any]] = []
        self._updates: list[dict[str, Any]] = []

    async def get(self, account_id: UUID) -> Account:
        known = select(accounts).where(accounts.c.id == account_id, accounts.c.erased_at.is_(None))
        row = (await self._connection.execute(known)).one_or_none()
        if row is None:
            raise AccountNotFound
        return account_from(row)

    async def keep(self, account_id: UUID) -> None:
        query = select(accounts.c.erased_at).where(accounts.c.id == account_id)
        if await self._connection.scalar(query.with_for_update(read=True, key_share=True)) is not None:
            raise AccountNotFound

    async def by_email(self, email: str) -> Account | None:
        row = (await self._connection.execute(select(accounts).where(accounts.c.email == email))).one_or_none()
        return None if row is None else account_from(row)

    def add(self, account: Account) -> None:
        self._inserts.append(_values(account))

    def save(self, account: Account) -> None:
        self._updates.append(_values(account))

    async def write(self) -> None:
        if self._inserts:
            await self._connection.execute(insert(accounts), self._inserts)
            self._inserts.clear()
        for row in self._updates:
            known = (accounts.c.id == row["id"]) & accounts.c.erased_at.is_(None)
            written = await self._connection.execute(update(accounts).where(known).values(row))
            if not written.rowcount:
                raise AccountNotFound
        self._updates.clear()


def _values(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "password_hash": account.password_hash,
        "role": account.role,
        "created_at": account.created_at,
    }


def account_from(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        email=row.email,
        password_hash=row.password_hash,
        role=Role(row.role),
        created_at=row.created_at,
    )
