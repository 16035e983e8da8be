"""One shop for all tests of HTTP; whoever needs rows of their own counts those of a person of their own."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import URL

from order_service.domain.actor import Role
from tests.conftest import execute
from tests.http.served import Served, serving
from tests.http.shop import Document, Person, Shop, open_shop


@pytest.fixture(scope="session")
async def shop_database(postgres: URL, template: URL) -> AsyncIterator[URL]:
    """One migrated database for all: a fresh one for each test would take longer than the tests."""
    url = postgres.set(database=f"test_http_{uuid4().hex[:12]}")
    await execute(postgres, f"CREATE DATABASE {url.database} TEMPLATE {template.database}")
    await execute(postgres, f"ALTER DATABASE {url.database} SET synchronous_commit = off")  # nobody pulls the plug
    yield url
    await execute(postgres, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture(scope="session")
async def shop(shop_database: URL) -> AsyncIterator[Shop]:
    async with open_shop(shop_database) as shop:
        yield shop


@pytest.fixture
async def ann(shop: Shop) -> AsyncIterator[Person]:
    """A customer."""
    person = await shop.person()
    async with person.client:
        yield person


@pytest.fixture
async def bob(shop: Shop) -> AsyncIterator[Person]:
    """Another customer."""
    person = await shop.person()
    async with person.client:
        yield person


@pytest.fixture
async def eve(shop: Shop) -> AsyncIterator[Person]:
    """A customer with a password, and a session."""
    person = await shop.member()
    async with person.client:
        yield person


@pytest.fixture
async def operator(shop: Shop) -> AsyncIterator[Person]:
    person = await shop.person(Role.OPERATOR)
    async with person.client:
        yield person


@pytest.fixture
async def admin(shop: Shop) -> AsyncIterator[Person]:
    person = await shop.person(Role.ADMIN)
    async with person.client:
        yield person


@pytest.fixture
async def anybody(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token."""
    async with shop.client() as client:
        yield client


@pytest.fixture
async def order(ann: Person) -> Document:
    """Ann's, just placed."""
    return await ann.place()


@pytest.fixture(scope="module")
async def served(shop_database: URL) -> AsyncIterator[Served]:
    async with open_shop(shop_database) as shop, serving(shop) as served:
        yield served


@pytest.fixture
async def dave(served: Served) -> AsyncIterator[Person]:
    """A customer at the other end of the socket."""
    person = await served.shop.person()
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(base_url=served.url, headers=headers) as client:
        yield Person(id=person.id, email=person.email, token=person.token, client=client)
