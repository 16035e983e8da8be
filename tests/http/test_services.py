"""Other systems: let in with a secret, as far as their scopes reach, and what they tell of money is a fact."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote_plus
from uuid import uuid4

import httpx
import jwt
import pytest

from adapters.persistence.sessions import SqlEndedSessions
from order_service.domain.actor import SCOPES_OF, ActorKind, Scope, scopes_text
from order_service.ports import EndedSessions
from order_service.use_cases.create_service import CreateService, NewSecret
from order_service.use_cases.remove_service import RemoveService
from order_service.use_cases.rotate_service_secret import RotateServiceSecret
from tests.http.shop import (
    GENEROUS,
    ME,
    ORDERS,
    TOKEN,
    Document,
    Person,
    Shop,
    document,
    order_body,
    order_path,
    problem,
)

ALL = SCOPES_OF[ActorKind.SERVICE]


async def create(shop: Shop, *scopes: Scope) -> NewSecret:
    return await (await shop.container.get(CreateService))(f"system {uuid4().hex}", set(scopes) or ALL)


def form(known: NewSecret, **said: str) -> dict[str, str]:
    secret = {"client_id": str(known.service.id), "client_secret": known.secret}
    return {"grant_type": "client_credentials", **secret, **said}


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@asynccontextmanager
async def let_in(shop: Shop, *scopes: Scope) -> AsyncIterator[Person]:
    known = await create(shop, *scopes)
    async with shop.client() as client:
        token = document(await client.post(TOKEN, data=form(known)))["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield Person(id=known.service.id, email=known.service.name, token=token, client=client)


@pytest.fixture
async def system(shop: Shop) -> AsyncIterator[Person]:
    """With all that a service may have."""
    async with let_in(shop) as person:
        yield person


# Getting a token


async def test_a_secret_is_good_for_a_token_and_nothing_to_refresh_it_with(
    shop: Shop, anybody: httpx.AsyncClient
) -> None:
    known = await create(shop, Scope.ORDERS_READ, Scope.PAYMENTS_WRITE)
    answer = await anybody.post(TOKEN, data=form(known))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = document(answer)
    assert token | {"access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "orders:read payments:write",
    }
    claims = jwt.decode(token["access_token"], options={"verify_signature": False})
    assert claims["sub"] == claims["client_id"] == str(known.service.id)
    assert (claims["role"], claims["scope"]) == ("service", token["scope"])


async def test_a_system_may_say_who_it_is_by_http_basic(shop: Shop, anybody: httpx.AsyncClient) -> None:
    known = await create(shop)
    grant = {"grant_type": "client_credentials"}
    for name, secret in (
        (str(known.service.id), known.secret),
        (quote_plus(str(known.service.id)), quote_plus(known.secret).replace("_", "%5F")),  # as RFC 6749 has it
    ):
        answer = await anybody.post(TOKEN, data=grant, headers=basic(name, secret))
        assert answer.status_code == 200, answer.text
        assert document(answer)["scope"] == scopes_text(ALL)


async def test_a_system_may_ask_for_less_but_not_for_more(shop: Shop, anybody: httpx.AsyncClient) -> None:
    known = await create(shop, Scope.ORDERS_READ, Scope.PAYMENTS_WRITE)
    assert document(await anybody.post(TOKEN, data=form(known, scope="orders:read")))["scope"] == "orders:read"
    for scope in ("orders:write", "orders:read events:read", "accounts:read", "x"):
        found = problem(await anybody.post(TOKEN, data=form(known, scope=scope)), 400, "invalid-scope")
        assert found["error"] == "invalid_scope"


async def test_whoever_is_no_client_is_told_how_to_be_one(shop: Shop, anybody: httpx.AsyncClient) -> None:
    known, other = await create(shop), await create(shop)
    name, grant = str(known.service.id), {"grant_type": "client_credentials"}
    named_other = grant | {"client_id": str(other.service.id)}
    before = await shop.rows()
    answers = [
        await anybody.post(TOKEN, data=form(known, client_secret=other.secret)),
        await anybody.post(TOKEN, data=form(known, client_secret=known.secret[:-1])),
        await anybody.post(TOKEN, data=form(known, client_secret="")),
        await anybody.post(TOKEN, data=form(known, client_id=str(uuid4()))),
        await anybody.post(TOKEN, data=form(known, client_id=known.service.name)),
        await anybody.post(TOKEN, data=form(known, client_id="", client_secret="\0")),
        await anybody.post(TOKEN, data=grant),
        await anybody.post(TOKEN, data=grant, headers=basic(name, other.secret)),
        await anybody.post(TOKEN, data=grant, headers=basic(name, "")),
        await anybody.post(TOKEN, data=named_other, headers=basic(name, known.secret)),
        *[
            await anybody.post(TOKEN, data=grant, headers={"Authorization": header})
            for header in ("Basic", "Basic !", "Basic eA==", "Basic //79/A==", f"Bearer {known.secret}", "")
        ],
    ]
    for answer in answers:
        assert problem(answer, 401, "invalid-client")["error"] == "invalid_client"
    assert await shop.rows() == before


async def test_to_say_it_in_two_ways_is_an_invalid_request(shop: Shop, anybody: httpx.AsyncClient) -> None:
    known = await create(shop)
    twice = basic(str(known.service.id), known.secret)
    answer = await anybody.post(TOKEN, data=form(known), headers=twice)
    assert problem(answer, 400, "malformed-request")["error"] == "invalid_request"
    headers = [*twice.items(), *twice.items()]
    answer = await anybody.post(TOKEN, data={"grant_type": "client_credentials"}, headers=headers)
    assert problem(answer, 400, "malformed-request")["error"] == "invalid_request"


# What it opens


async def test_a_system_lives_through_an_order_with_its_customer(system: Person, ann: Person) -> None:
    order = await system.place(customer_id=str(ann.id), headers={"Idempotency-Key": "order-1"})
    assert order["customer_id"] == str(ann.id)
    assert (await ann.read(order))["id"] == order["id"]
    order = await system.move(order, "PAID", "SHIPPED", "DELIVERED")
    history = document(await system.get(order_path(order, "events")))["items"]
    assert {tuple(event["actor"].items()) for event in history} == {(("kind", "service"), ("id", str(system.id)))}
    assert any(found["id"] == order["id"] for found in document(await system.get(ORDERS))["items"])
    log = await system.get("/api/v1/events", params={"limit": 1})
    assert log.status_code == 200


async def test_a_system_orders_for_a_customer_that_there_is(system: Person) -> None:
    problem(await system.post(ORDERS, json=order_body()), 403, "not-allowed")
    unknown = order_body(customer_id=str(uuid4()))
    problem(await system.post(ORDERS, json=unknown), 422, "customer-unknown")


async def test_a_system_is_no_customer(system: Person) -> None:
    answer = await system.post(ORDERS, json={**order_body(), "customer_id": str(system.id)})
    problem(answer, 422, "customer-unknown")


async def test_money_that_a_system_tells_of_is_a_fact_and_from_staff_a_slip(
    system: Person, operator: Person, order: Document
) -> None:
    payments = order_path(order, "payments")
    too_much = {"payment_id": "pay-1", "amount": "20.00"}
    problem(await operator.post(payments, json=too_much), 422, "overpayment")
    paid = document(await system.post(payments, json=too_much))
    assert (paid["status"], paid["captured"], paid["refund_due"]) == ("PAID", "20.00", "6.50")
    again = await system.post(payments, json=too_much)
    assert (again.status_code, document(again)["version"]) == (201, paid["version"])
    problem(await operator.post(payments, json=too_much), 409, "payment-known")

    canceled = document(await operator.post(order_path(order, "cancellation"), json={"reason": "OTHER"}))
    late = document(await system.post(payments, json={"payment_id": "pay-2", "amount": "1.00"}))
    assert (late["status"], late["refund_due"]) == ("CANCELED", "21.00")
    assert late["version"] > canceled["version"]
    refund = {"refund_id": "ref-1", "amount": "21.00", "reason": "canceled"}
    for _ in range(2):
        refunded = document(await system.post(order_path(order, "refunds"), json=refund))
        assert (refunded["refunded"], refunded["refund_due"]) == ("21.00", "0.00")


async def test_a_system_is_no_account(system: Person) -> None:
    for method, path in (("GET", ME), ("GET", f"{ME}/sessions"), ("DELETE", f"{ME}/sessions/{uuid4()}")):
        problem(await system.ask(method, path), 403, "insufficient-scope")


async def test_a_system_does_no_more_than_it_was_let_in_for(shop: Shop, ann: Person, order: Document) -> None:
    async with let_in(shop, Scope.SHIPMENTS_WRITE) as carrier:
        for method, path, body in (
            ("GET", ORDERS, None),
            ("GET", order_path(order), None),
            ("POST", ORDERS, order_body(customer_id=str(ann.id))),
            ("POST", order_path(order, "payments"), {"payment_id": "pay-1", "amount": "13.50"}),
            ("POST", order_path(order, "cancellation"), {"reason": "OTHER"}),
            ("GET", "/api/v1/events", None),
        ):
            problem(await carrier.ask(method, path, json=body), 403, "insufficient-scope")
        problem(await carrier.post(order_path(order, "shipments"), json={}), 409, "illegal-transition")


# Its end


async def heard(shop: Shop) -> None:
    """What every process does twice a second."""
    ended = await shop.container.get(EndedSessions)
    assert isinstance(ended, SqlEndedSessions)
    await ended.look()


@pytest.mark.parametrize("end", [RotateServiceSecret, RemoveService])
async def test_with_a_secret_its_tokens_end(
    shop: Shop, anybody: httpx.AsyncClient, end: type[RotateServiceSecret | RemoveService]
) -> None:
    known = await create(shop)
    token = document(await anybody.post(TOKEN, data=form(known)))["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await anybody.get(ORDERS, headers=headers)).status_code == 200
    renewed = await (await shop.container.get(end))(known.service.name)
    await heard(shop)
    problem(await anybody.get(ORDERS, headers=headers), 401, "not-authenticated")
    problem(await anybody.post(TOKEN, data=form(known)), 401, "invalid-client")
    if renewed is not None:
        token = document(await anybody.post(TOKEN, data=form(renewed)))["access_token"]
        answer = await anybody.get(ORDERS, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert renewed.service.id == known.service.id


async def test_a_process_that_starts_later_knows_which_secrets_have_ended(shop: Shop) -> None:
    known = await create(shop)
    await (await shop.container.get(RemoveService))(known.service.name)
    later = SqlEndedSessions(shop.engine, token_lifetime=GENEROUS.access_token_lifetime)
    await later.look()
    assert later.has(known.service.secret_id)
