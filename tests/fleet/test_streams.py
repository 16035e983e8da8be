"""Thousands who wait for news of their orders, over HTTP."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
from sqlalchemy import make_url

from tests.fleet.people import Headers, a_customer
from tests.fleet.roles import Fleet
from tests.services.server import free_port

STREAMS = int(os.environ.get("STREAMS", "300"))  # STREAMS=2000 for the campaign
ORDERS = 20
AT_ONCE = 50
UPDATE_SECONDS = 1.0
PATIENCE_SECONDS = 60
STOP_SECONDS = 20
MOST_CONNECTIONS = 11
"""The pool's ten, and the test's own."""

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 1, "unit_price": "1.00"}]}


class Stream:
    """What one client has heard: the seqs, in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard: list[int] = []
        self.heard_at = 0.0

    async def until(self, seq: int) -> None:
        while not self.heard or self.heard[-1] < seq:
            line = await self._reader.readline()
            if not line:
                raise ConnectionResetError
            if line.startswith(b"id: "):
                self.heard.append(int(line[4:]))
                self.heard_at = time.monotonic()

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def stream(port: int, order_id: str, token: str, *, last_event_id: int | None = None) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    resume = "" if last_event_id is None else f"Last-Event-ID: {last_event_id}\r\n"
    writer.write(
        f"GET /api/v1/orders/{order_id}/events/stream HTTP/1.1\r\nHost: shop\r\n"
        f"Authorization: {token}\r\n{resume}\r\n".encode()
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
    assert b" 200 " in head.splitlines()[0], head
    assert b"text/event-stream" in head
    try:
        yield Stream(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def api(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Fleet]:
    with Fleet(tmp_path, environment, port=free_port()) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        yield fleet


async def test_news_reach_every_idle_stream_within_a_second(api: Fleet, environment: dict[str, str]) -> None:
    port = int(api.address.rpartition(":")[2])
    async with httpx.AsyncClient(base_url=api.address, timeout=30) as http, AsyncExitStack() as open_streams:
        ann = await a_customer(http)
        orders = [await _placed(http, ann) for _ in range(ORDERS)]
        before = _memory_mb(api)
        streams: list[tuple[str, Stream]] = []
        for first in range(0, STREAMS, AT_ONCE):
            places = [orders[number % ORDERS] for number in range(first, min(first + AT_ONCE, STREAMS))]
            opening = [
                open_streams.enter_async_context(stream(port, order, ann["Authorization"])) for order in places
            ]
            streams += zip(places, await asyncio.gather(*opening), strict=True)
        await asyncio.wait_for(asyncio.gather(*(one.until(1) for _, one in streams)), PATIENCE_SECONDS)
        each_kb = (_memory_mb(api) - before) * 1024 / STREAMS
        connections = await _connections(environment["DATABASE_URL"])

        slowest = []
        for order in orders:
            changed = time.monotonic()
            version = await _amended(http, ann, order)
            listening = [one for place, one in streams if place == order]
            await asyncio.wait_for(asyncio.gather(*(one.until(version) for one in listening)), PATIENCE_SECONDS)
            slowest.append(max(one.heard_at for one in listening) - changed)
    print(
        f"{STREAMS} idle streams: {each_kb:.0f} KB each, {connections} connections to PostgreSQL;"
        f" a change reached the last of its {STREAMS // ORDERS} listeners after {max(slowest) * 1000:.0f} ms at most"
    )
    assert all(one.heard == [1, 2] for _, one in streams)
    assert max(slowest) < UPDATE_SECONDS
    assert connections <= MOST_CONNECTIONS


async def test_who_comes_again_after_the_api_was_killed_has_missed_nothing(api: Fleet) -> None:
    port = int(api.address.rpartition(":")[2])
    async with httpx.AsyncClient(base_url=api.address, timeout=30) as http:
        ann = await a_customer(http)
        order = await _placed(http, ann)
        heard: list[int] = []

        async def listen(until: int) -> None:
            while not heard or heard[-1] < until:
                last = heard[-1] if heard else None
                try:
                    async with stream(port, order, ann["Authorization"], last_event_id=last) as one:
                        try:
                            await one.until(until)
                        finally:
                            heard.extend(one.heard)
                except (OSError, asyncio.IncompleteReadError):
                    await asyncio.sleep(0.05)

        listening = asyncio.create_task(listen(41))
        for number in range(40):
            if number % 10 == 5:
                api.kill("api")
                api.start("api")
                await asyncio.to_thread(api.until_ready)
            await _amended(http, ann, order)
        await asyncio.wait_for(listening, PATIENCE_SECONDS)
    assert heard == list(range(1, 42))


async def test_an_api_that_is_told_to_stop_does_not_wait_for_its_streams_for_ever(api: Fleet) -> None:
    port = int(api.address.rpartition(":")[2])
    async with httpx.AsyncClient(base_url=api.address, timeout=30) as http:
        ann = await a_customer(http)
        order = await _placed(http, ann)
    async with stream(port, order, ann["Authorization"]) as one:
        await one.until(1)
        began = time.monotonic()
        await asyncio.to_thread(api.stop, "api")
        assert time.monotonic() - began < STOP_SECONDS


async def _placed(http: httpx.AsyncClient, who: Headers) -> str:
    answer = await http.post("/api/v1/orders", json=AN_ORDER, headers=who)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _amended(http: httpx.AsyncClient, who: Headers, order_id: str) -> int:
    """The version that it is at by that."""
    body: dict[str, Any] = {"metadata": {"note": uuid4().hex}}
    answer = await http.patch(f"/api/v1/orders/{order_id}", content=json.dumps(body), headers={**who, **JSON})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["version"])


JSON = {"Content-Type": "application/json"}


def _memory_mb(fleet: Fleet) -> float:
    mother = psutil.Process(fleet.pid("api"))
    return float(sum(process.memory_info().rss for process in [mother, *mother.children(recursive=True)])) / 2**20


async def _connections(url: str) -> int:
    to = make_url(url)
    connection: Any = await asyncpg.connect(
        host=str(to.query["host"]), user=to.username, password=to.password, database=to.database
    )
    try:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
        return int(await connection.fetchval(query, to.database))
    finally:
        await connection.close()
