"""Tokens that open a part: asked for at the log-in, kept by a refresh, and refused where they do not reach."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import jwt
import pytest

from order_service.domain.actor import Role
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from tests.http.shop import ME, ORDERS, TOKEN, Document, Shop, document, order_body, order_path, problem

PASSWORD = "correct horse battery"
SESSIONS = f"{ME}/sessions"


class Somebody:
    """An account with a password, and log-ins of any scope."""

    def __init__(self, shop: Shop, client: httpx.AsyncClient, email: str) -> None:
        self.shop = shop
        self.client = client
        self.email = email

    async def log_in(self, scope: str | None = None) -> httpx.Response:
        form = {"grant_type": "password", "username": self.email, "password": PASSWORD}
        return await self.client.post(TOKEN, data=form if scope is None else {**form, "scope": scope})

    async def refresh(self, tokens: Document, scope: str | None = None) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return await self.client.post(TOKEN, data=form if scope is None else {**form, "scope": scope})

    async def ask(self, tokens: Document, method: str, path: str, json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return await self.client.request(method, path, json=json, headers=headers)


@pytest.fixture
async def somebody(shop: Shop, request: pytest.FixtureRequest) -> AsyncIterator[Somebody]:
    """An operator, or what the test asks for."""
    email = f"{uuid4().hex}@example.com"
    role = getattr(request, "param", Role.OPERATOR)
    await (await shop.container.get(RegisterAccount))(
        RegisterAccountCommand(email=email, password=PASSWORD, role=role)
    )
    async with shop.client() as client:
        yield Somebody(shop, client, email)


def insufficient(answer: httpx.Response, scope: str) -> None:
    """RFC 6750, section 3.1."""
    assert problem(answer, 403, "insufficient-scope")["scope"] == scope
    assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'


@pytest.mark.parametrize(
    ("somebody", "scope"),
    [
        (Role.CUSTOMER, "orders:read orders:write accounts:read accounts:write"),
        (
            Role.OPERATOR,
            "orders:read orders:write payments:write shipments:write returns:write accounts:read accounts:write",
        ),
        (
            Role.ADMIN,
            "orders:read orders:write payments:write shipments:write returns:write events:read accounts:read accounts:write",  # noqa: E501
        ),
    ],
    indirect=["somebody"],
)
async def test_a_log_in_gives_all_that_the_role_may(somebody: Somebody, scope: str) -> None:
    tokens = document(await somebody.log_in())
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert tokens["scope"] == claims["scope"] == scope
    assert claims["client_id"] == "public"
    assert document(await somebody.log_in(" "))["scope"] == scope


async def test_a_token_opens_what_it_was_asked_for_and_nothing_else(somebody: Somebody, order: Document) -> None:
    tokens = document(await somebody.log_in("payments:write"))
    assert tokens["scope"] == "payments:write"
    path = order_path(order)
    for method, where, body, scope in (
        ("GET", ORDERS, None, "orders:read"),
        ("GET", path, None, "orders:read"),
        ("GET", order_path(order, "events"), None, "orders:read"),
        ("GET", order_path(order, "events/stream"), None, "orders:read"),
        ("POST", ORDERS, {**order_body(), "customer_id": order["customer_id"]}, "orders:write"),
        ("PATCH", path, {"external_ref": "x"}, "orders:write"),
        ("PATCH", path, {"status": "SHIPPED"}, "shipments:write"),
        ("PATCH", path, {"status": "CANCELED"}, "orders:write"),
        ("PUT", order_path(order, "lines"), {"lines": order_body()["lines"]}, "orders:write"),
        ("POST", order_path(order, "shipments"), {}, "shipments:write"),
        ("POST", order_path(order, "shipments/x/delivery"), None, "shipments:write"),
        ("POST", order_path(order, "cancellation"), {"reason": "OTHER"}, "orders:write"),
        ("POST", order_path(order, "processing"), None, "orders:write"),
        ("POST", order_path(order, "returns"), {}, "orders:write"),
        ("POST", order_path(order, "returns/x/receipt"), {}, "returns:write"),
        ("POST", order_path(order, "returns/x/refusal"), {}, "returns:write"),
        ("GET", ME, None, "accounts:read"),
        ("GET", SESSIONS, None, "accounts:read"),
        ("DELETE", f"{SESSIONS}/{uuid4()}", None, "accounts:write"),
        (
            "POST",
            f"{ME}/password",
            {"current_password": PASSWORD, "new_password": "purple tin roof"},
            "accounts:write",
        ),
    ):
        insufficient(await somebody.ask(tokens, method, where, body), scope)
    payment = {"payment_id": "pay-1", "amount": order["total"]}
    assert (await somebody.ask(tokens, "POST", order_path(order, "payments"), payment)).status_code == 201


async def test_a_batch_asks_for_the_scope_of_each_item(somebody: Somebody, order: Document) -> None:
    tokens = document(await somebody.log_in("payments:write"))
    items = [
        {"op": "change_status", "order_id": order["id"], "status": status}
        for status in ("PAID", "SHIPPED", "CANCELED")
    ]
    answer = await somebody.ask(tokens, "POST", f"{ORDERS}/batch", {"mode": "independent", "items": items})
    results = document(answer)["results"]
    assert [result["status"] for result in results] == [200, 403, 403]
    assert results[1]["problem"]["scope"] == "shipments:write"


@pytest.mark.parametrize("somebody", [Role.ADMIN], indirect=True)
async def test_the_whole_log_has_a_scope_of_its_own(somebody: Somebody) -> None:
    reader, writer = [document(await somebody.log_in(scope)) for scope in ("events:read", "orders:read orders:write")]
    assert (await somebody.ask(reader, "GET", "/api/v1/events?limit=1")).status_code == 200
    insufficient(await somebody.ask(writer, "GET", "/api/v1/events"), "events:read")


@pytest.mark.parametrize("scope", ["events:read", "orders:read root", "orders:read,orders:write", "\0", "x" * 5000])
async def test_what_cannot_be_had_is_an_invalid_scope(somebody: Somebody, scope: str) -> None:
    before = await somebody.shop.rows()
    found = problem(await somebody.log_in(scope), 400, "invalid-scope")
    assert found["error"] == "invalid_scope"
    assert "orders:read" in found["grantable"]
    assert await somebody.shop.rows() == before


async def test_a_wrong_password_does_not_show_what_the_account_may(somebody: Somebody) -> None:
    form = {"grant_type": "password", "username": somebody.email, "password": "wrong", "scope": "events:read"}
    problem(await somebody.client.post(TOKEN, data=form), 400, "invalid-grant")


async def test_a_refresh_gives_what_the_log_in_had_or_less_and_never_more(somebody: Somebody) -> None:
    tokens = document(await somebody.log_in("orders:read payments:write"))
    less = document(await somebody.refresh(tokens, "orders:read"))
    assert less["scope"] == "orders:read"
    again = document(await somebody.refresh(less))
    assert (
        again["scope"] == "orders:read payments:write"
    )  # RFC 6749, section 6: of the refresh token, not the last one
    problem(await somebody.refresh(again, "orders:read orders:write"), 400, "invalid-scope")
    assert (await somebody.refresh(again, "payments:write")).status_code == 200  # the refusal did not use it up
