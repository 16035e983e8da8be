"""Services, in memory."""

import asyncio
from collections.abc import Sequence
from copy import copy
from datetime import datetime
from uuid import UUID

from order_service.domain.errors import ServiceNameTaken, ServiceNotFound
from order_service.domain.service import Service
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemoryServices:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[Service] = []
        self._removed: list[UUID] = []
        self._ended: dict[UUID, datetime] = {}
        self._held: list[asyncio.Lock] = []

    async def get(self, service_id: UUID) -> Service:
        await others_run()
        if service_id not in self._store.committed.services:
            raise ServiceNotFound
        return copy(self._store.committed.services[service_id])

    async def named(self, name: str) -> Service:
        for service in await self.all():
            if service.name == name:
                lock = self._store.changing[service.id]
                await lock.acquire()
                self._held.append(lock)
                return await self.get(service.id)
        raise ServiceNotFound

    async def all(self) -> Sequence[Service]:
        await others_run()
        return sorted(map(copy, self._store.committed.services.values()), key=lambda service: service.name)

    def add(self, service: Service) -> None:
        self._staged.append(copy(service))

    def save(self, service: Service) -> None:
        self._staged.append(copy(service))

    def remove(self, service: Service) -> None:
        self._removed.append(service.id)

    def end_secret(self, secret_id: UUID, *, at: datetime) -> None:
        self._ended[secret_id] = at

    def write(self, draft: Committed) -> None:
        for service in self._staged:
            if any(known.name == service.name and known.id != service.id for known in draft.services.values()):
                raise ServiceNameTaken
            draft.services[service.id] = service
        for service_id in self._removed:
            draft.services.pop(service_id, None)
        draft.ended_secrets |= self._ended

    def let_go(self) -> None:
        while self._held:
            self._held.pop().release()
