"""The promises of `Services`."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from order_service.domain.actor import Scope
from order_service.domain.errors import ServiceNameTaken, ServiceNotFound
from order_service.domain.service import Service
from tests.contracts.conftest import Persistence

AT = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def a_new_service(name: str = "billing") -> Service:
    scopes = {Scope.PAYMENTS_WRITE, Scope.ORDERS_READ}
    return Service.create(id=uuid4(), name=name, scopes=scopes, secret_id=uuid4(), secret=b"x" * 32, at=AT)


async def test_a_service_comes_back_as_it_was_added_in_every_field(persistence: Persistence) -> None:
    service = a_new_service()
    await persistence.commit(lambda tx: tx.services.add(service))
    async with persistence.transactions.begin() as tx:
        assert await tx.services.get(service.id) == service
        assert await tx.services.named("billing") == service
        assert await tx.services.all() == [service]


async def test_an_absent_service_is_not_found(persistence: Persistence) -> None:
    await persistence.commit(lambda tx: tx.services.add(a_new_service()))
    async with persistence.transactions.begin() as tx:
        with pytest.raises(ServiceNotFound):
            await tx.services.get(uuid4())
        with pytest.raises(ServiceNotFound):
            await tx.services.named("Billing")


async def test_services_come_by_name(persistence: Persistence) -> None:
    names = ["warehouse", "billing", "carrier"]
    await persistence.commit(*(lambda tx, name=name: tx.services.add(a_new_service(name)) for name in names))
    async with persistence.transactions.begin() as tx:
        assert [service.name for service in await tx.services.all()] == sorted(names)


async def test_a_name_is_taken_once(persistence: Persistence) -> None:
    await persistence.commit(lambda tx: tx.services.add(a_new_service()))
    with pytest.raises(ServiceNameTaken):
        await persistence.commit(lambda tx: tx.services.add(a_new_service()))


async def test_a_new_secret_is_kept_and_a_removed_service_is_gone(persistence: Persistence) -> None:
    service = a_new_service()
    await persistence.commit(lambda tx: tx.services.add(service))
    service.rotate(secret_id=uuid4(), secret=b"y" * 32, at=AT)
    await persistence.commit(lambda tx: tx.services.save(service))
    async with persistence.transactions.begin() as tx:
        assert await tx.services.get(service.id) == service
    await persistence.commit(lambda tx: tx.services.remove(service))
    async with persistence.transactions.begin() as tx:
        assert await tx.services.all() == []
    await persistence.commit(lambda tx: tx.services.add(a_new_service()))  # its name is free again


async def test_leaving_without_commit_leaves_no_trace(persistence: Persistence) -> None:
    service = a_new_service()
    await persistence.commit(lambda tx: tx.services.add(service))
    async with persistence.transactions.begin() as tx:
        tx.services.remove(service)
        tx.services.add(a_new_service("carrier"))
    async with persistence.transactions.begin() as tx:
        assert await tx.services.all() == [service]
