"""Log-ins over several API processes: what ends in one is over in all of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fleet.roles import Fleet
from tests.services.server import free_port

PROCESSES = 3
TRIES = 12
"""Of which each process is likely to get some: every try is a connection of its own."""

HEARD_SECONDS = 1.0
PASSWORD = "correct horse battery"

Tokens = dict[str, Any]


@pytest.fixture
async def address(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    with Fleet(tmp_path, environment, port=free_port(), api_workers=PROCESSES) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        yield f"{fleet.address}/api/v1"


async def ask(method: str, url: str, **said: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as http:
        return await http.request(method, url, **said)


async def a_customer(address: str) -> str:
    email = f"{uuid4().hex}@example.com"
    registered = await ask("POST", f"{address}/accounts", json={"email": email, "password": PASSWORD})
    assert registered.status_code == 201
    return email


async def log_in(address: str, email: str, password: str = PASSWORD) -> httpx.Response:
    form = {"grant_type": "password", "username": email, "password": password}
    return await ask("POST", f"{address}/auth/token", data=form)


async def refresh(address: str, tokens: Tokens) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return await ask("POST", f"{address}/auth/token", data=form)


def bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def statuses(address: str, tokens: Tokens) -> set[int]:
    """What the access token is good for, at each process."""
    tries = [ask("GET", f"{address}/accounts/me", headers=bearer(tokens)) for _ in range(TRIES)]
    return {answer.status_code for answer in await asyncio.gather(*tries)}


async def assert_over_everywhere(address: str, tokens: Tokens) -> None:
    await asyncio.sleep(HEARD_SECONDS)
    assert await statuses(address, tokens) == {401}
    assert (await refresh(address, tokens)).status_code == 400


async def test_who_logs_out_is_logged_out_everywhere_within_a_second(address: str) -> None:
    email = await a_customer(address)
    tokens = (await log_in(address, email)).json()
    assert await statuses(address, tokens) == {200}
    revoked = await ask("POST", f"{address}/auth/revoke", data={"token": tokens["refresh_token"]})
    assert revoked.status_code == 200
    await assert_over_everywhere(address, tokens)


async def test_a_session_that_its_owner_ends_is_over_and_the_others_go_on(address: str) -> None:
    email = await a_customer(address)
    here, there = [(await log_in(address, email)).json() for _ in range(2)]
    sessions = (await ask("GET", f"{address}/accounts/me/sessions", headers=bearer(here))).json()["items"]
    assert [session["current"] for session in sessions] == [False, True]
    ended = await ask("DELETE", f"{address}/accounts/me/sessions/{sessions[0]['id']}", headers=bearer(here))
    assert ended.status_code == 204
    await assert_over_everywhere(address, there)
    assert await statuses(address, here) == {200}


async def test_a_new_password_ends_the_sessions_elsewhere(address: str) -> None:
    email = await a_customer(address)
    here, there = [(await log_in(address, email)).json() for _ in range(2)]
    body = {"current_password": PASSWORD, "new_password": "purple tin roof"}
    changed = await ask("POST", f"{address}/accounts/me/password", json=body, headers=bearer(here))
    assert changed.status_code == 204, changed.text
    await assert_over_everywhere(address, there)
    assert await statuses(address, here) == {200}
    assert (await log_in(address, email)).status_code == 400
    assert (await log_in(address, email, "purple tin roof")).status_code == 200


async def test_of_many_who_refresh_at_once_in_all_processes_one_gets_the_successor(address: str) -> None:
    tokens = (await log_in(address, await a_customer(address))).json()
    answers = await asyncio.gather(*(refresh(address, tokens) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    [successor] = [answer.json() for answer in answers if answer.status_code == 200]
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    assert await statuses(address, successor) == {200}
    assert (await refresh(address, successor)).status_code == 200


async def test_a_refresh_token_that_is_used_again_later_ends_the_session(address: str) -> None:
    stolen = (await log_in(address, await a_customer(address))).json()
    successor = (await refresh(address, stolen)).json()
    newest = (await refresh(address, successor)).json()
    began = time.monotonic()
    assert (await refresh(address, stolen)).status_code == 400
    await assert_over_everywhere(address, newest)
    assert time.monotonic() - began < 10
