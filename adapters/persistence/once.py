"""What took effect already: answered requests, and messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, exists, insert, literal_column, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.connecting import Connecting
from adapters.persistence.failures import in_domain_words
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.tables import idempotency, inbox, sessions
from order_service.ports import AnsweredRequest

_AT_ONCE = 5_000


class SqlAnsweredRequests:
    def __init__(self, connection: Connecting, reads: GatheredReads) -> None:
        self._connection = connection
        self._reads = reads
        self.staged: list[dict[str, Any]] = []

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None:
        if not self._connection.is_open:
            return await self._reads.answered((subject, key))
        query = select(idempotency).where(idempotency.c.subject == subject, idempotency.c.key == key)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        return AnsweredRequest(fingerprint=row.fingerprint, order_id=row.order_id, version=row.version)

    def remember(self, subject: UUID, key: str, answered: AnsweredRequest) -> None:
        self.staged.append(
            {
                "subject": subject,
                "key": key,
                "fingerprint": answered.fingerprint,
                "order_id": answered.order_id,
                "version": answered.version,
            }
        )

    @property
    def has_staged(self) -> bool:
        return bool(self.staged)

    async def write(self) -> None:
        if self.staged:
            await self._connection.execute(insert(idempotency), self.staged)
            self.staged.clear()


class SqlInbox:
    def __init__(self, connection: Connecting, reads: GatheredReads) -> None:
        self._connection = connection
        self._reads = reads
        self.staged: list[dict[str, Any]] = []

    async def has(self, consumer: str, message_id: str) -> bool:
        if not self._connection.is_open:
            return await self._reads.heard((consumer, message_id))
        known = exists().where(inbox.c.consumer == consumer, inbox.c.message_id == message_id)
        return bool(await self._connection.scalar(select(known)))

    def add(self, consumer: str, message_id: str) -> None:
        self.staged.append({"consumer": consumer, "message_id": message_id})

    @property
    def has_staged(self) -> bool:
        return bool(self.staged)

    async def write(self) -> None:
        if self.staged:
            await self._connection.execute(insert(inbox), self.staged)
            self.staged.clear()


class SqlOldRecords:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def forget(self, *, answered_before: datetime, heard_before: datetime, expired_before: datetime) -> int:
        old = {
            idempotency: idempotency.c.created_at < answered_before,
            inbox: inbox.c.received_at < heard_before,
            sessions: sessions.c.expires_at < expired_before,
        }
        return sum([await self._delete(table, condition) for table, condition in old.items()])

    async def _delete(self, table: Table, old: ColumnElement[bool]) -> int:
        """A few thousand at a time: no statement may take long, and none holds many locks."""
        place: ColumnElement[Any] = literal_column("ctid")
        some = delete(table).where(place.in_(select(place).select_from(table).where(old).limit(_AT_ONCE)))
        forgotten, last = 0, _AT_ONCE
        with in_domain_words():
            while last == _AT_ONCE:
                async with self._engine.begin() as connection:
                    last = (await connection.execute(some)).rowcount
                forgotten += last
        return forgotten
