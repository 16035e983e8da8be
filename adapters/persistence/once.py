"""What took effect already: answered requests, and messages."""

from typing import Any
from uuid import UUID

from sqlalchemy import exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.persistence.tables import idempotency, inbox
from order_service.ports import AnsweredRequest


class SqlAnsweredRequests:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._inserts: list[dict[str, Any]] = []

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None:
        query = select(idempotency).where(idempotency.c.subject == subject, idempotency.c.key == key)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        return AnsweredRequest(fingerprint=row.fingerprint, order_id=row.order_id, version=row.version)

    def remember(self, subject: UUID, key: str, answered: AnsweredRequest) -> None:
        self._inserts.append(
            {
                "subject": subject,
                "key": key,
                "fingerprint": answered.fingerprint,
                "order_id": answered.order_id,
                "version": answered.version,
            }
        )

    async def write(self) -> None:
        if self._inserts:
            await self._connection.execute(insert(idempotency), self._inserts)


class SqlInbox:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._inserts: list[dict[str, Any]] = []

    async def has(self, consumer: str, message_id: str) -> bool:
        known = exists().where(inbox.c.consumer == consumer, inbox.c.message_id == message_id)
        return bool(await self._connection.scalar(select(known)))

    def add(self, consumer: str, message_id: str) -> None:
        self._inserts.append({"consumer": consumer, "message_id": message_id})

    async def write(self) -> None:
        if self._inserts:
            await self._connection.execute(insert(inbox), self._inserts)
