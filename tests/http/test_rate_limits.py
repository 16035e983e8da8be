"""So many requests a minute, and no more: per account where there is one, else per address."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import URL

from composition.settings import Settings
from order_service.domain.actor import Role
from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    TOKEN,
    Person,
    Shop,
    document,
    open_shop,
    order_body,
    order_path,
    problem,
)

PER_ACCOUNT_ROUTES = 3
PER_ORDER_ROUTES = 5
FORM = {"grant_type": "password", "username": "not an address", "password": ""}


@pytest.fixture
async def strict(shop_database: URL) -> AsyncIterator[Shop]:
    settings = Settings(
        rate_limit_accounts_per_minute=PER_ACCOUNT_ROUTES, rate_limit_orders_per_minute=PER_ORDER_ROUTES
    )
    async with open_shop(shop_database, settings) as shop:
        yield shop


@pytest.fixture
async def eager(strict: Shop) -> AsyncIterator[Person]:
    person = await strict.person()
    async with person.client:
        yield person


def is_limited(answer: httpx.Response, *, limit: int) -> bool:
    found = problem(answer, 429, "rate-limited")
    wait = int(answer.headers["retry-after"])
    return found["retry_after"] == wait and 1 <= wait <= 60 / limit


async def test_exactly_the_limit_is_allowed(eager: Person, strict: Shop) -> None:
    for left in reversed(range(PER_ORDER_ROUTES)):
        answer = await eager.get(ORDERS)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == f'"orders";q={PER_ORDER_ROUTES};w=60'
        assert answer.headers["ratelimit"].startswith(f'"orders";r={left};t=')

    before = await strict.rows()
    assert is_limited(await eager.get(ORDERS), limit=PER_ORDER_ROUTES)
    assert is_limited(await eager.post(ORDERS, json=order_body()), limit=PER_ORDER_ROUTES)
    assert await strict.rows() == before


async def test_also_when_they_come_at_once(eager: Person) -> None:
    answers = await asyncio.gather(*[eager.get(ORDERS) for _ in range(50)])
    assert Counter(answer.status_code for answer in answers) == {200: PER_ORDER_ROUTES, 429: 50 - PER_ORDER_ROUTES}


async def test_the_limit_counts_all_routes_of_a_group_and_refusals_too(eager: Person) -> None:
    placed = await eager.place()
    assert (await eager.get(order_path(placed))).status_code == 200
    assert (await eager.get(order_path(placed, "events"))).status_code == 200
    problem(await eager.get(f"{ORDERS}?limit=0"), 400)
    problem(await eager.post(ORDERS, json={}), 422)
    assert is_limited(await eager.get(ORDERS), limit=PER_ORDER_ROUTES)


async def test_a_refusal_tells_what_is_left_too(eager: Person) -> None:
    answer = await eager.get(f"{ORDERS}?limit=0")
    problem(answer, 400)
    assert answer.headers["ratelimit"].startswith(f'"orders";r={PER_ORDER_ROUTES - 1};')


async def test_who_is_limited_is_told_the_policy_as_well(eager: Person) -> None:
    for _ in range(PER_ORDER_ROUTES):
        await eager.get(ORDERS)
    answer = await eager.get(ORDERS)
    assert is_limited(answer, limit=PER_ORDER_ROUTES)
    assert answer.headers["ratelimit-policy"] == f'"orders";q={PER_ORDER_ROUTES};w=60'
    assert answer.headers["ratelimit"].startswith('"orders";r=0;')


async def test_every_answer_has_each_header_once(eager: Person) -> None:
    placed = await eager.post(ORDERS, json=order_body())
    path = order_path(document(placed))
    answers = [
        placed,
        await eager.get(path, headers={"Origin": "http://localhost:3000"}),
        await eager.get(path, headers={"If-None-Match": "*"}),
        await eager.get(f"{ORDERS}/1"),
        await eager.ask("PUT", ORDERS),
        await eager.post(ORDERS, content=b"{}", headers={"Content-Type": "text/plain"}),
        await eager.get(ORDERS),
        await eager.client.get(ORDERS, headers={"Authorization": "none"}),
        await eager.get("/nowhere"),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 304, 404, 405, 415, 429, 401, 404]
    limited = [answer for answer in answers if answer.status_code not in {405, 401} and answer is not answers[-1]]
    assert all({"ratelimit", "ratelimit-policy"} <= answer.headers.keys() for answer in limited)
    for answer in answers:
        assert set(Counter(name.lower() for name, _ in answer.headers.raw).values()) == {1}, answer.headers


async def test_the_groups_of_routes_have_limits_of_their_own(eager: Person) -> None:
    for _ in range(PER_ORDER_ROUTES):
        await eager.get(ORDERS)
    assert is_limited(await eager.get(ORDERS), limit=PER_ORDER_ROUTES)
    assert (await eager.get(ME)).status_code == 200


async def test_accounts_are_limited_apart_from_each_other(strict: Shop, eager: Person) -> None:
    """From one address: an office has one, and many people in it."""
    for _ in range(PER_ORDER_ROUTES):
        await eager.get(ORDERS)
    assert is_limited(await eager.get(ORDERS), limit=PER_ORDER_ROUTES)
    for role in (Role.CUSTOMER, Role.OPERATOR):
        assert (await (await strict.person(role)).get(ORDERS)).status_code == 200


async def test_an_account_is_limited_whatever_its_address(strict: Shop, eager: Person) -> None:
    for number in range(PER_ORDER_ROUTES):
        client = strict.client(address=f"192.0.2.{number}", headers=eager.client.headers)
        assert (await client.get(ORDERS)).status_code == 200
    elsewhere = strict.client(address="192.0.2.99", headers=eager.client.headers)
    assert is_limited(await elsewhere.get(ORDERS), limit=PER_ORDER_ROUTES)


async def test_who_has_no_account_is_limited_by_address(strict: Shop) -> None:
    here, there = strict.client(address="192.0.2.1"), strict.client(address="2001:db8::1")
    for _ in range(PER_ACCOUNT_ROUTES):
        problem(await here.post(TOKEN, data=FORM), 400, "invalid-grant")

    assert is_limited(await here.post(TOKEN, data=FORM), limit=PER_ACCOUNT_ROUTES)
    assert is_limited(await here.post(ACCOUNTS, json={}), limit=PER_ACCOUNT_ROUTES)
    problem(await there.post(TOKEN, data=FORM), 400, "invalid-grant")


async def test_of_a_network_that_is_given_to_one_client_every_address_is_the_same(strict: Shop) -> None:
    for number in range(PER_ACCOUNT_ROUTES):
        problem(await strict.client(address=f"2001:db8::{number}").post(TOKEN, data=FORM), 400, "invalid-grant")
    assert is_limited(await strict.client(address="2001:db8::ffff").post(TOKEN, data=FORM), limit=PER_ACCOUNT_ROUTES)
    problem(await strict.client(address="2001:db8:0:1::1").post(TOKEN, data=FORM), 400, "invalid-grant")


async def test_the_account_and_the_address_are_counted_apart(strict: Shop, eager: Person) -> None:
    for _ in range(PER_ACCOUNT_ROUTES):
        await strict.client().post(TOKEN, data=FORM)
    assert is_limited(await strict.client().post(TOKEN, data=FORM), limit=PER_ACCOUNT_ROUTES)
    assert document(await eager.get(ME))["id"] == str(eager.id)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
async def test_nobody_gets_a_new_limit_by_claiming_another_address(name: str, strict: Shop) -> None:
    client = strict.client()
    answers = [
        await client.post(
            TOKEN, data=FORM, headers={name: f"for=192.0.2.{number}" if name == "Forwarded" else str(number)}
        )
        for number in range(PER_ACCOUNT_ROUTES + 1)
    ]
    assert [answer.status_code for answer in answers] == [400] * PER_ACCOUNT_ROUTES + [429]


async def test_who_has_no_valid_token_is_refused_before_anything_is_counted(strict: Shop, eager: Person) -> None:
    client = strict.client(headers={"Authorization": f"Bearer {eager.token}x"})
    for _ in range(PER_ORDER_ROUTES + 1):
        problem(await client.get(ORDERS), 401)
    assert (await eager.get(ORDERS)).status_code == 200


async def test_a_browser_may_ask_whether_it_may_ask_as_often_as_it_likes(strict: Shop) -> None:
    client = strict.client(headers={"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"})
    answers = [await client.options(TOKEN) for _ in range(PER_ACCOUNT_ROUTES * 3)]
    assert {answer.status_code for answer in answers} == {204}


async def test_health_is_never_limited(strict: Shop) -> None:
    client = strict.client()
    assert {(await client.get("/livez")).status_code for _ in range(20)} == {200}
