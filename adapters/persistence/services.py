"""Services and their rows, and the secrets that are good for nothing any more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from adapters.persistence.connecting import Connecting
from adapters.persistence.tables import ended_secrets, services
from order_service.domain.actor import scopes_of
from order_service.domain.errors import ServiceNotFound
from order_service.domain.service import Service


class SqlServices:
    def __init__(self, connection: Connecting) -> None:
        self._connection = connection
        self._inserts: list[dict[str, Any]] = []
        self._updates: list[dict[str, Any]] = []
        self._removed: list[UUID] = []
        self._ended: list[dict[str, Any]] = []

    async def get(self, service_id: UUID) -> Service:
        row = (await self._connection.execute(select(services).where(services.c.id == service_id))).one_or_none()
        if row is None:
            raise ServiceNotFound
        return _service(row)

    async def named(self, name: str) -> Service:
        query = select(services).where(services.c.name == name).with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise ServiceNotFound
        return _service(row)

    async def all(self) -> Sequence[Service]:
        rows = await self._connection.execute(select(services).order_by(services.c.name))
        return [_service(row) for row in rows]

    def add(self, service: Service) -> None:
        self._inserts.append(_values(service))

    def save(self, service: Service) -> None:
        self._updates.append(_values(service))

    def remove(self, service: Service) -> None:
        self._removed.append(service.id)

    def end_secret(self, secret_id: UUID, *, at: datetime) -> None:
        self._ended.append({"secret_id": secret_id, "ended_at": at})

    @property
    def has_staged(self) -> bool:
        return bool(self._inserts or self._updates or self._removed or self._ended)

    async def write(self) -> None:
        if self._inserts:
            await self._connection.execute(insert(services), self._inserts)
            self._inserts.clear()
        for row in self._updates:
            await self._connection.execute(update(services).where(services.c.id == row["id"]).values(row))
        self._updates.clear()
        if self._removed:
            await self._connection.execute(delete(services).where(services.c.id.in_(self._removed)))
            self._removed.clear()
        if self._ended:
            await self._connection.execute(insert(ended_secrets), self._ended)
            self._ended.clear()


def _values(service: Service) -> dict[str, Any]:
    return {
        "id": service.id,
        "name": service.name,
        "scopes": sorted(service.scopes),
        "created_at": service.created_at,
        "secret_id": service.secret_id,
        "secret_hash": service.secret_hash,
        "secret_made_at": service.secret_made_at,
    }


def _service(row: Row[Any]) -> Service:
    return Service(
        id=row.id,
        name=row.name,
        scopes=scopes_of(set(row.scopes)),
        created_at=row.created_at,
        secret_id=row.secret_id,
        secret_hash=row.secret_hash,
        secret_made_at=row.secret_made_at,
    )
