"""Clients that hang up, and a PostgreSQL that goes away and comes back."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from sqlalchemy import URL, make_url

from composition.database import migrate
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.services.postgres import PostgresServer
from tests.services.server import free_port

ABORTED = int(os.environ.get("ABORTED", "2000"))  # ABORTED=10000 for the campaign of promises.md
AT_ONCE = 50
ANSWER_SECONDS = 10
MOST_MEMORY_MB = 50
PATIENCE_SECONDS = 30
DRAIN_SECONDS = 120

AN_ORDER = b'{"currency": "EUR", "lines": [{"name": "Mug", "quantity": 1, "unit_price": "1.00"}]}'


@pytest.fixture
async def roles(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Fleet]:
    with Fleet(tmp_path, environment, port=free_port()) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        yield fleet


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "postgres")
    yield server
    server.remove()


async def test_requests_that_are_aborted_midway_leave_nothing_behind(roles: Fleet, database_url: URL) -> None:
    port = int(roles.address.rpartition(":")[2])
    async with httpx.AsyncClient(base_url=roles.address, timeout=10) as http:
        customer = await a_customer(http)
        token = customer["Authorization"]
        await _abort_many(port, token, ABORTED, seed=1)  # until everything is as large as such a storm makes it
        await _until_quiet(database_url)
        before = _memory_mb(roles)
        await _abort_many(port, token, ABORTED, seed=2)
        await _until_quiet(database_url)
        grown = _memory_mb(roles) - before
        placed = await http.post(
            "/api/v1/orders", content=AN_ORDER, headers={**customer, "Content-Type": "application/json"}
        )
    print(f"{ABORTED} requests aborted, after as many before: memory grew by {grown:.1f} MB")
    assert placed.status_code == 201
    assert grown < MOST_MEMORY_MB
    sessions = await _sessions(database_url)
    assert "idle in transaction" not in sessions
    assert len(sessions) <= 10, "no more than the pool's"


async def test_while_postgresql_is_away_everybody_is_told_to_come_again_and_when_it_is_back_all_is_well(
    tmp_path: Path, environment: dict[str, str], own_postgres: PostgresServer
) -> None:
    await asyncio.to_thread(own_postgres.start)
    url = own_postgres.env["TEST_POSTGRES_URL"]
    await asyncio.to_thread(migrate, make_url(url))
    with Fleet(tmp_path, {**environment, "DATABASE_URL": url}, port=free_port()) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        async with httpx.AsyncClient(base_url=fleet.address, timeout=11) as http:
            customer = {**await a_customer(http), "Content-Type": "application/json"}
            await asyncio.to_thread(own_postgres.stop)
            for _ in range(20):
                answer = await http.post("/api/v1/orders", content=AN_ORDER, headers=customer)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), answer.text
                assert answer.json()["type"] == "/problems/dependency-unavailable"
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["postgresql"]) == (503, "unavailable")

            await asyncio.to_thread(own_postgres.start)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (await http.post("/api/v1/orders", content=AN_ORDER, headers=customer)).status_code != 201:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
            answers = [await http.post("/api/v1/orders", content=AN_ORDER, headers=customer) for _ in range(20)]
            assert {answer.status_code for answer in answers} == {201}


async def test_while_postgresql_stands_still_everybody_is_answered_in_time(
    tmp_path: Path, environment: dict[str, str], own_postgres: PostgresServer
) -> None:
    await asyncio.to_thread(own_postgres.start)
    url = own_postgres.env["TEST_POSTGRES_URL"]
    await asyncio.to_thread(migrate, make_url(url))
    with Fleet(tmp_path, {**environment, "DATABASE_URL": url}, port=free_port()) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=fleet.address, timeout=60, limits=limits) as http:
            customer = {**await a_customer(http), "Content-Type": "application/json"}
            began = time.monotonic()
            with _standing_still(own_postgres):
                reads = [http.get("/api/v1/orders", headers=customer) for _ in range(50)]
                writes = [http.post("/api/v1/orders", content=AN_ORDER, headers=customer) for _ in range(50)]
                answers = await asyncio.gather(*reads, *writes)
            slowest = time.monotonic() - began
            placed = await http.post("/api/v1/orders", content=AN_ORDER, headers=customer)
    print(f"PostgreSQL stands still: {len(answers)} requests answered, the slowest after {slowest:.1f} s")
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "1")}
    assert slowest < ANSWER_SECONDS
    assert placed.status_code == 201


@contextmanager
def _standing_still(server: PostgresServer) -> Iterator[None]:
    assert server.process is not None
    everybody = psutil.Process(server.process.pid).children(recursive=True)
    for process in everybody:
        process.suspend()
    try:
        yield
    finally:
        for process in everybody:
            process.resume()


async def _abort_many(port: int, token: str, count: int, *, seed: int) -> None:
    chance = random.Random(seed)
    moments = [(chance.randint(1, 400), chance.uniform(0, 0.004)) for _ in range(count)]

    async def abort(share: list[tuple[int, float]]) -> None:
        for sent, pause in share:
            await _abort(port, token, sent=sent, pause=pause)

    await asyncio.gather(*(abort(moments[number::AT_ONCE]) for number in range(AT_ONCE)))


async def _abort(port: int, token: str, *, sent: int, pause: float) -> None:
    """Sends so many bytes of a request (mostly all of them), waits a moment, and hangs up."""
    head = (
        f"POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(AN_ORDER)}\r\n\r\n"
    )
    request = head.encode() + AN_ORDER
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request[: len(request) - sent] if sent < 100 else request)
    await writer.drain()
    await asyncio.sleep(pause)
    writer.transport.abort()


def _memory_mb(roles: Fleet) -> float:
    mother = psutil.Process(roles.pid("api"))
    return sum(process.memory_info().rss for process in [mother, *mother.children(recursive=True)]) / 2**20


async def _until_quiet(url: URL) -> None:
    """What was still to be done for clients that are gone is done."""
    deadline, quiet = time.monotonic() + DRAIN_SECONDS, 0
    while quiet < 5:
        quiet = quiet + 1 if set(await _sessions(url)) <= {"idle"} else 0
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def _sessions(url: URL) -> list[str]:
    connection: Any = await asyncpg.connect(
        host=str(url.query["host"]), user=url.username, password=url.password, database=url.database
    )
    try:
        query = "SELECT state FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
        return [row["state"] for row in await connection.fetch(query, url.database)]
    finally:
        await connection.close()
