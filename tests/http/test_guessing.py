"""Many addresses, one account, over HTTP: who guesses is refused, and the holder is not."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import URL

from composition.settings import Settings
from tests.http.shop import ACCOUNTS, ME, TOKEN, Shop, document, open_shop, problem

PASSWORD = "correct horse battery"
WRONG_PER_HOUR = 3
HOME = "192.0.2.1"


@pytest.fixture
async def guarded(shop_database: URL) -> AsyncIterator[Shop]:
    settings = Settings(rate_limit_accounts_per_minute=1_000, wrong_passwords_per_hour=WRONG_PER_HOUR)
    async with open_shop(shop_database, settings) as shop:
        yield shop


@pytest.fixture
async def email(guarded: Shop) -> str:
    email = f"ann-{uuid4().hex}@example.com"
    body = {"email": email, "password": PASSWORD}
    assert (await guarded.client(address=HOME).post(ACCOUNTS, json=body)).status_code == 201
    return email


async def log_in(shop: Shop, email: str, password: str = PASSWORD, *, address: str = HOME) -> httpx.Response:
    form = {"grant_type": "password", "username": email, "password": password}
    return await shop.client(address=address).post(TOKEN, data=form)


async def test_known_and_unknown_accounts_are_refused_alike_after_so_many_guesses(guarded: Shop, email: str) -> None:
    told = []
    for username in (email, f"{uuid4().hex}@example.com"):
        for number in range(WRONG_PER_HOUR):
            answer = await log_in(guarded, username, "wrong", address=f"198.51.100.{number}")
            problem(answer, 400, "invalid-grant")
        refused = await log_in(guarded, username, "wrong", address="198.51.100.99")
        found = problem(refused, 429, "rate-limited")
        assert found["retry_after"] == int(refused.headers["retry-after"]) <= 3600 / WRONG_PER_HOUR
        told.append({**found, "request_id": "", "retry_after": "", "detail": ""})
    assert told[0] == told[1]


async def test_the_holder_comes_in_from_where_they_were_and_waits_elsewhere(guarded: Shop, email: str) -> None:
    assert (await log_in(guarded, email)).status_code == 200
    for number in range(WRONG_PER_HOUR + 1):
        await log_in(guarded, email, "wrong", address=f"198.51.100.{number}")
    assert (await log_in(guarded, email)).status_code == 200
    problem(await log_in(guarded, email, address="203.0.113.1"), 429, "rate-limited")


async def test_a_token_does_not_help_to_guess_the_password(guarded: Shop, email: str) -> None:
    token = document(await log_in(guarded, email))["access_token"]
    thief = guarded.client(address="198.51.100.1", headers={"Authorization": f"Bearer {token}"})
    guess = {"current_password": "wrong", "new_password": "purple tin roof"}
    for _ in range(WRONG_PER_HOUR):
        problem(await thief.post(f"{ME}/password", json=guess), 422, "invalid-request")
    problem(await thief.post(f"{ME}/password", json=guess), 429, "rate-limited")
    problem(await log_in(guarded, email, "wrong", address="198.51.100.2"), 429, "rate-limited")


@pytest.mark.parametrize(
    ("one", "another", "are_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ],
)
async def test_who_may_choose_an_address_out_of_a_network_is_the_same_wherever_in_it(
    one: str, another: str, are_one: bool, guarded: Shop, email: str
) -> None:
    assert (await log_in(guarded, email, address=one)).status_code == 200
    for number in range(WRONG_PER_HOUR):
        await log_in(guarded, email, "wrong", address=f"198.51.100.{number}")
    assert (await log_in(guarded, email, address=another)).status_code == (200 if are_one else 429)
