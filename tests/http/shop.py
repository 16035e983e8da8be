"""A shop with people in it: the real application over the real database, and who asks it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
from dishka import AsyncContainer
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.http.app import HttpEdge, HttpUseCases, create_app
from adapters.persistence.tables import metadata
from composition.container import Resources, make_container
from composition.http import Http
from composition.settings import Settings
from order_service.domain.account import Account
from order_service.domain.actor import SYSTEM, Role
from order_service.ports import Clock, Ids, Tokens, Transactions
from order_service.use_cases.process_order import ProcessOrder
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand

Document = dict[str, Any]

SECRET_KEY = "a secret key for tests of 32 or more characters"
BASE_URL = "http://shop.test"
PROBLEM_JSON = "application/problem+json"

ORDERS = "/api/v1/orders"
ACCOUNTS = "/api/v1/accounts"
ME = "/api/v1/accounts/me"
TOKEN = "/api/v1/auth/token"

PASSWORD = "correct horse battery"

GENEROUS = Settings(
    rate_limit_accounts_per_minute=1_000_000,
    rate_limit_orders_per_minute=1_000_000,
    wrong_passwords_per_hour=1_000_000,
)
"""Nobody meets a rate limit who is not looking for one."""

_COUNTS = text(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in metadata.tables))  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a client of their own; `id` is their account's, `token` their access token."""

    id: UUID
    email: str
    token: str
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, **said: Any) -> httpx.Response:
        return await self.client.request(method, path, **said)

    async def get(self, path: str, **said: Any) -> httpx.Response:
        return await self.ask("GET", path, **said)

    async def post(self, path: str, **said: Any) -> httpx.Response:
        return await self.ask("POST", path, **said)

    async def put(self, path: str, **said: Any) -> httpx.Response:
        return await self.ask("PUT", path, **said)

    async def patch(self, path: str, **said: Any) -> httpx.Response:
        return await self.ask("PATCH", path, **said)

    async def place(self, headers: Mapping[str, str] | None = None, **said: Any) -> Document:
        """Places an order, and gives it as it was answered."""
        answer = await self.post(ORDERS, json=order_body(**said), headers=headers)
        assert answer.status_code == 201, answer.text
        return document(answer)

    async def read(self, order: Document) -> Document:
        answer = await self.get(order_path(order))
        assert answer.status_code == 200, answer.text
        return document(answer)

    async def move(self, order: Document, *statuses: str) -> Document:
        """The short way through an order's life."""
        for status in statuses:
            answer = await self.patch(order_path(order), json={"status": status})
            assert answer.status_code == 200, answer.text
            order = document(answer)
        return order


class Shop:
    """The application, and doors to what lies behind it."""

    def __init__(
        self, container: AsyncContainer, app: Any, engine: AsyncEngine, tokens: Tokens, clock: Clock
    ) -> None:
        self.container = container
        self.app = app
        self.engine = engine
        self._tokens = tokens
        self._clock = clock

    def client(self, *, address: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 12345))
        return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers)

    async def person(self, role: Role = Role.CUSTOMER, *, address: str = "127.0.0.1") -> Person:
        """With an account of their own, which has no password that works."""
        ids, transactions = await self.container.get(Ids), await self.container.get(Transactions)
        account = Account.register(
            id=ids.new(),
            email=f"{role}-{uuid4().hex}@example.com",
            password_hash="none",
            role=role,
            at=self._clock.now(),
        )
        async with transactions.begin() as tx:
            tx.accounts.add(account)
            await tx.commit()
        token = self._tokens.issue(account.actor, at=self._clock.now())
        client = self.client(address=address, headers={"Authorization": f"Bearer {token}"})
        return Person(id=account.id, email=account.email, token=token, client=client)

    async def member(self, role: Role = Role.CUSTOMER) -> Person:
        """With an account that PASSWORD opens, and a session."""
        email = f"{uuid4().hex}@example.com"
        register = await self.container.get(RegisterAccount)
        account = await register(RegisterAccountCommand(email=email, password=PASSWORD, role=role, by=SYSTEM))
        async with self.client() as client:
            token = document(await log_in(client, email))["access_token"]
        client = self.client(headers={"Authorization": f"Bearer {token}"})
        return Person(id=account.id, email=email, token=token, client=client)

    async def process(self, order: Document) -> None:
        """What the worker would do."""
        await (await self.container.get(ProcessOrder))(UUID(order["id"]))

    async def rows(self) -> dict[str, int]:
        """Table name -> how many rows it has."""
        async with self.engine.connect() as connection:
            return {row[0]: row[1] for row in await connection.execute(_COUNTS)}


@asynccontextmanager
async def open_shop(database: URL, settings: Settings = GENEROUS) -> AsyncIterator[Shop]:
    """Composed as in production, without its background."""
    container = make_container(settings, Resources(database=database, secret_key=SECRET_KEY), more=[Http()])
    try:
        edge = await container.get(HttpEdge)
        app = create_app(await container.get(HttpUseCases), edge)
        yield Shop(container, app, await container.get(AsyncEngine), edge.tokens, edge.clock)
    finally:
        await container.close()


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": "password", "username": email, "password": password})


def a_line(**said: Any) -> Document:
    return {"sku": "MUG-1", "name": "Mug", "quantity": 3, "unit_price": "4.50", **said}


def order_body(**said: Any) -> Document:
    """Three mugs for 13.50 EUR."""
    return {"currency": "EUR", "lines": [a_line()], **said}


def order_path(order: Document, *rest: str) -> str:
    return "/".join([ORDERS, order["id"], *rest])


def document(answer: httpx.Response) -> Document:
    """The JSON object of an answer, decoded strictly."""
    decoded: Document = msgspec.json.decode(answer.content, type=dict[str, Any])
    return decoded


def is_careful(answer: httpx.Response) -> bool:
    """Whether it lets browsers and caches make nothing of it that it is not, and tells nothing of the server."""
    headers = answer.headers
    wanted = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "server": "order-service",
    }
    policy = headers["content-security-policy"]
    return (
        all(headers.get_list(name) == [value] for name, value in wanted.items())
        and all(part in policy for part in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"))
        and "unsafe-eval" not in policy
        and "script-src" not in policy
        and all(headers[name] for name in ("x-request-id", "cache-control", "permissions-policy"))
        and "x-powered-by" not in headers
    )


def problem(answer: httpx.Response, status: int, code: str | None = None) -> Document:
    """The problem document of an answer, with all that every one of them must have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == PROBLEM_JSON
    found = document(answer)
    if code is not None:
        assert found["type"] == f"/problems/{code}", found
    assert found["type"].startswith("/problems/")
    assert found["title"]
    assert found["status"] == status
    assert found["detail"]
    assert found["instance"] == answer.request.url.path
    assert found["request_id"] == answer.headers["x-request-id"]
    assert is_careful(answer), answer.headers
    assert answer.headers["cache-control"] == "private, no-store"
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic " if code == "invalid-client" else "Bearer")
    if status in {429, 503}:
        assert int(answer.headers["retry-after"]) >= 1
    return found


def pointers(problem: Document) -> Sequence[str]:
    """Which values a validation problem names."""
    for error in problem["errors"]:
        assert error.keys() == {"pointer", "detail"}
        assert error["detail"]
    return [error["pointer"] for error in problem["errors"]]
