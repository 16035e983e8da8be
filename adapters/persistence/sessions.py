"""Sessions and their rows, and who hears that they have ended."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.connecting import Connecting
from adapters.persistence.failures import in_domain_words
from adapters.persistence.group_log_in import StagedSession
from adapters.persistence.tables import accounts, ended_secrets, sessions
from order_service.domain.account import Account
from order_service.domain.actor import scopes_of
from order_service.domain.errors import (
    AccountChangedMeanwhile,
    AccountNotFound,
    DependencyUnavailable,
    SessionNotFound,
)
from order_service.domain.session import Session

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.4
_OVERLAP = timedelta(seconds=30)
"""How much later than its `ended_at` a row may be committed, and how much clocks may differ."""


class SqlSessions:
    def __init__(self, connection: Connecting) -> None:
        self._connection = connection
        self._begun: list[StagedSession] = []
        self._updates: list[dict[str, Any]] = []

    async def get(self, session_id: UUID) -> Session:
        query = select(sessions).where(sessions.c.id == session_id).with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise SessionNotFound
        return _session(row)

    async def of(self, account_id: UUID) -> Sequence[Session]:
        query = (
            select(sessions)
            .where(sessions.c.account_id == account_id, sessions.c.ended_at.is_(None))
            .order_by(sessions.c.began_at.desc(), sessions.c.id.desc())
            .with_for_update()
        )
        return [_session(row) for row in (await self._connection.execute(query)).all()]

    async def all_of(self, account_id: UUID) -> Sequence[Session]:
        query = (
            select(sessions)
            .where(sessions.c.account_id == account_id)
            .order_by(sessions.c.began_at.desc(), sessions.c.id.desc())
        )
        return [_session(row) for row in (await self._connection.execute(query)).all()]

    def add(self, session: Session, *, of: Account) -> None:
        self._begun.append(StagedSession(_row(session), of.version))

    def save(self, session: Session) -> None:
        self._updates.append(_row(session))

    def only_begun(self) -> StagedSession | None:
        return self._begun[0] if len(self._begun) == 1 and not self._updates else None

    @property
    def has_staged(self) -> bool:
        return bool(self._begun or self._updates)

    async def write(self) -> None:
        for one in self._begun:
            account = select(accounts.c.version).where(
                accounts.c.id == one.row["account_id"], accounts.c.erased_at.is_(None)
            )
            version = await self._connection.scalar(account.with_for_update(read=True))
            if version is None:
                raise AccountNotFound
            if version != one.account_version:
                raise AccountChangedMeanwhile
            await self._connection.execute(insert(sessions).values(one.row))
        self._begun.clear()
        for row in self._updates:
            await self._connection.execute(update(sessions).where(sessions.c.id == row["id"]).values(row))
        self._updates.clear()


class SqlEndedSessions:
    """Asks the database again and again; between, whoever sends a token is checked in memory."""

    def __init__(self, engine: AsyncEngine, *, token_lifetime: timedelta) -> None:
        self._engine = engine
        self._token_lifetime = token_lifetime
        self._ended: dict[UUID, datetime] = {}
        self._seen = datetime.now(UTC) - token_lifetime
        self._closed = asyncio.Event()

    def has(self, session_id: UUID) -> bool:
        return session_id in self._ended

    async def follow(self) -> None:
        """Until it is closed. Without PostgreSQL what is known stays known."""
        while not self._closed.is_set():
            try:
                await self.look()
            except DependencyUnavailable as error:
                _log.warning("ended sessions: %s", error)
            except Exception:  # noqa: BLE001 - who ends, ends the log-out of everybody
                _log.exception("ended sessions are not known")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _POLL_SECONDS)

    def close(self) -> None:
        """Lets `follow` end after its look: cancelled amid one, it could leave a connection that nobody closes."""
        self._closed.set()

    async def look(self) -> None:
        since = self._seen - _OVERLAP
        news = union_all(
            select(sessions.c.id, sessions.c.ended_at).where(sessions.c.ended_at > since),
            select(ended_secrets.c.secret_id, ended_secrets.c.ended_at).where(ended_secrets.c.ended_at > since),
        )
        with in_domain_words():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(news)).all()
        for row in rows:
            self._ended[row.id] = row.ended_at
            self._seen = max(self._seen, row.ended_at)
        forgotten = datetime.now(UTC) - self._token_lifetime - _OVERLAP
        for session_id in [known for known, ended_at in self._ended.items() if ended_at < forgotten]:
            del self._ended[session_id]


def _row(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "account_id": session.account_id,
        "began_at": session.began_at,
        "refreshed_at": session.refreshed_at,
        "expires_at": session.expires_at,
        "token_hash": session.token_hash,
        "former_hash": session.former_hash,
        "ended_at": session.ended_at,
        "scopes": None if session.scopes is None else sorted(session.scopes),
    }


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        account_id=row.account_id,
        began_at=row.began_at,
        refreshed_at=row.refreshed_at,
        expires_at=row.expires_at,
        token_hash=row.token_hash,
        former_hash=row.former_hash,
        ended_at=row.ended_at,
        scopes=None if row.scopes is None else scopes_of(set(row.scopes)),
    )
