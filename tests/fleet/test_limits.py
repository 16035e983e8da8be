"""One allowance for all processes, however many there are and whatever a client claims to be."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from adapters.redis.connection import connect
from adapters.redis.rate_limiter import RedisRateLimiter
from order_service.ports import Quota
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.services import RedisServer
from tests.services.server import free_port

PROCESSES, CALLS = 8, 10_000
REQUESTS, A_MINUTE = 1_000, 12
CLIENTS, ANSWER_SECONDS = 50, 10
ADDRESSES, GUESSES = 1_000, 5
HOME = "203.0.113.7"
A_DAY = Quota(name="shared", limit=1_000, window=timedelta(days=1))  # so long that nothing is given back meanwhile


def test_eight_processes_and_ten_thousand_calls_get_exactly_the_quota(redis_url: str) -> None:
    subject = uuid4().hex
    calls = [(redis_url, subject, CALLS // PROCESSES)] * PROCESSES
    with get_context("spawn").Pool(PROCESSES) as processes:
        allowed = processes.starmap(take, calls)
    print(f"{PROCESSES} processes, {CALLS} calls: {sum(allowed)} allowed of {A_DAY.limit}, {allowed}")
    assert sum(allowed) == A_DAY.limit


def take(redis_url: str, subject: str, calls: int) -> int:
    """How many of so many calls one process is allowed."""

    async def taken() -> int:
        async with connect(redis_url, patience=1) as redis:
            limiter = RedisRateLimiter(redis)
            allowances = [await limiter.take(A_DAY, subject) for _ in range(calls)]
            assert limiter.unchecked == 0
            return sum(allowance.allowed for allowance in allowances)

    return asyncio.run(taken())


async def test_several_api_processes_share_one_allowance(tmp_path: Path, environment: dict[str, str]) -> None:
    limited = {**environment, "RATE_LIMIT_ORDERS_PER_MINUTE": str(A_MINUTE)}
    with Fleet(tmp_path, limited, port=free_port(), api_workers=PROCESSES) as roles:
        roles.start("api")
        await asyncio.to_thread(roles.until_ready)
        async with httpx.AsyncClient(base_url=roles.address, timeout=60) as http:
            customer = await a_customer(http)
            began = time.monotonic()
            answers = await asyncio.gather(*(http.get("/api/v1/orders", headers=customer) for _ in range(REQUESTS)))
            seconds = time.monotonic() - began
    statuses = Counter(answer.status_code for answer in answers)
    print(
        f"{PROCESSES} API processes, {REQUESTS} requests in {seconds:.1f} s: {dict(statuses)} of {A_MINUTE} a minute"
    )
    assert set(statuses) == {200, 429}
    given_back = int(seconds * A_MINUTE / 60) + 1
    assert A_MINUTE <= statuses[200] <= A_MINUTE + given_back
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 429)


async def test_only_a_proxy_of_ours_is_believed_about_addresses(tmp_path: Path, environment: dict[str, str]) -> None:
    limited = {**environment, "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "3"}
    for trusted, allowed in [("", 3), ("127.0.0.0/8", 10)]:
        with Fleet(tmp_path, {**limited, "TRUSTED_PROXIES": trusted}, port=free_port()) as roles:
            roles.start("api")
            await asyncio.to_thread(roles.until_ready)
            async with httpx.AsyncClient(base_url=roles.address, timeout=60) as http:
                form = {"grant_type": "password", "username": "ann@example.com", "password": "wrong"}
                addresses = [{"X-Forwarded-For": f"6.6.6.6, 203.0.113.{number}"} for number in range(10)]
                answers = [await http.post("/api/v1/auth/token", data=form, headers=each) for each in addresses]
        assert [answer.status_code for answer in answers] == [400] * allowed + [429] * (10 - allowed)


async def test_a_thousand_addresses_guess_at_one_account_no_more_than_the_limit_and_its_holder_comes_in(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    limited = {**environment, "TRUSTED_PROXIES": "127.0.0.0/8", "WRONG_PASSWORDS_PER_HOUR": str(GUESSES)}
    with Fleet(tmp_path, limited, port=free_port(), api_workers=4) as roles:
        roles.start("api")
        await asyncio.to_thread(roles.until_ready)
        async with httpx.AsyncClient(base_url=roles.address, timeout=60) as http:
            ann = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
            assert (await http.post("/api/v1/accounts", json=ann)).is_success

            async def log_in(email: str, password: str, address: str) -> int:
                form = {"grant_type": "password", "username": email, "password": password}
                headers = {"X-Forwarded-For": address}
                return (await http.post("/api/v1/auth/token", data=form, headers=headers)).status_code

            assert await log_in(ann["email"], ann["password"], HOME) == 200
            found: dict[str, Counter[int]] = {}
            for account in (ann["email"], f"{uuid4().hex}@example.com"):
                guesses = [log_in(account, "wrong", f"10.0.{one // 250}.{one % 250}") for one in range(ADDRESSES)]
                holder = [log_in(ann["email"], ann["password"], HOME) for _ in range(GUESSES)]
                outcomes = await asyncio.gather(*guesses, *holder)
                found[account] = Counter(outcomes[:ADDRESSES])
                assert set(outcomes[ADDRESSES:]) == {200}
                assert await log_in(ann["email"], ann["password"], HOME) == 200
            assert await log_in(ann["email"], ann["password"], "10.9.9.9") == 429  # from where they never were
    print(f"{ADDRESSES} addresses, one account: {[dict(each) for each in found.values()]} of {GUESSES}")
    for each in found.values():
        assert each == {400: GUESSES, 429: ADDRESSES - GUESSES}


@pytest.mark.parametrize("away", ["killed", "paused"])
async def test_without_redis_nobody_logs_in_and_orders_go_on(
    tmp_path: Path, environment: dict[str, str], away: str
) -> None:
    with (
        RedisServer(tmp_path / "redis") as redis,
        Fleet(tmp_path, {**environment, "REDIS_URL": redis.url}, port=free_port()) as roles,
    ):
        roles.start("api")
        await asyncio.to_thread(roles.until_ready)
        async with httpx.AsyncClient(base_url=roles.address, timeout=ANSWER_SECONDS) as http:
            customer = await a_customer(http)
            redis.kill() if away == "killed" else redis.pause()
            began = time.monotonic()
            form = {"grant_type": "password", "username": "ann@example.com", "password": "wrong"}
            refused = await http.post("/api/v1/auth/token", data=form)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["type"] == "/problems/dependency-unavailable"
            refused = await http.post("/api/v1/accounts", json={"email": "a@example.com", "password": "long enough"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            order = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 1, "unit_price": "1.00"}]}
            placed = await http.post("/api/v1/orders", json=order, headers=customer)
            assert placed.status_code == 201
            path = placed.headers["location"]
            reads = await asyncio.gather(*(http.get(path, headers=customer) for _ in range(CLIENTS)))
            assert {(read.status_code, read.content) for read in reads} == {(200, placed.content)}
            assert (await http.get("/readyz")).is_success
            print(f"Redis {away}: {CLIENTS + 4} requests answered in {time.monotonic() - began:.1f} s")
            assert f"{CLIENTS + 1} requests unchecked" in (tmp_path / "api.log").read_text()
            redis.resume()  # else it would not end
