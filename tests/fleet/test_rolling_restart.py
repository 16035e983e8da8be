"""API processes are replaced under load: clients that keep their connections, and ask once, notice nothing."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from alembic import command
from sqlalchemy import make_url

from tests.composition.test_people import order_service
from tests.conftest import alembic_config
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.fleet.waiting import until
from tests.services.server import free_port

CLIENTS, PAUSE_SECONDS, BODY = (
    8,
    0.005,
    b'{"currency":"EUR","lines":[{"name":"Mug","quantity":1,"unit_price":"4.50"}]}',
)
LOOK_SECONDS = 0.2
"""Between two looks of the balancer at /readyz."""
QUIET_SECONDS = 1.0
"""Of load, before and after each restart."""


@dataclass(slots=True)
class Outcome:
    answered: int = 0
    connections: int = 0
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Client:
    """Keeps its connection for as long as the server lets it. Asks each thing once: what fails has failed.

    As every pool of connections does, it looks before it asks whether the server has hung up meanwhile.
    """

    choose: Callable[[], int]
    """The port to connect to. A connection that is there stays there, ready or not, as through kube-proxy."""
    token: str
    outcome: Outcome
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask_until(self, stop: asyncio.Event) -> None:
        for number in cycle(range(10)):
            if stop.is_set():
                break
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                status = await self._ask(placing=number == 0)
                self.outcome.answered += 1
                if status >= 300:
                    self.outcome.failures[str(status)] += 1
            except (OSError, EOFError, TimeoutError) as error:
                self.outcome.failures[f"{type(error).__name__}: {error}"] += 1
                self._hang_up()
        self._hang_up()

    async def _ask(self, *, placing: bool) -> int:
        if self.reader is None or self.writer is None or self.reader.at_eof():
            self._hang_up()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.choose())
            self.outcome.connections += 1
        key = f"Idempotency-Key: {uuid4().hex}\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
        what = "POST /api/v1/orders" if placing else "GET /api/v1/orders?limit=1"
        head = f"{what} HTTP/1.1\r\nHost: shop.test\r\nAuthorization: {self.token}\r\n{key if placing else ''}\r\n"
        self.writer.write(head.encode() + (BODY if placing else b""))
        async with asyncio.timeout(10):
            answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in answer[1:] if line)
            await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self._hang_up()
        return int(answer[0].split()[1])

    def _hang_up(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


@asynccontextmanager
async def load(choose: Callable[[], int], token: str) -> AsyncIterator[Outcome]:
    outcome, stop = Outcome(), asyncio.Event()
    clients = [Client(choose, token, outcome) for _ in range(CLIENTS)]
    asking = asyncio.gather(*(client.ask_until(stop) for client in clients))
    try:
        await asyncio.sleep(QUIET_SECONDS)  # how long there is load
        yield outcome
        await asyncio.sleep(QUIET_SECONDS)
    finally:
        stop.set()
        await asking


async def test_workers_that_are_respawned_one_after_another_fail_no_request(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    environment |= {"APP_DRAIN_SECONDS": "2"}
    port = free_port()
    with Fleet(tmp_path, environment, port=port, api_workers=2) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        async with httpx.AsyncClient(base_url=fleet.address) as http:
            token = (await a_customer(http))["Authorization"]
        before = children(fleet.pid("api"))
        async with load(lambda: port, token) as outcome:
            began = time.monotonic()
            os.kill(fleet.pid("api"), signal.SIGHUP)

            async def all_are_new() -> bool:
                now = children(fleet.pid("api"))
                return len(now) == len(before) and not now & before

            await until(all_are_new, patience=60)
            took = time.monotonic() - began
    print(f"SIGHUP, 2 workers in {took:.1f} s: {outcome}")
    assert outcome.answered > 500
    assert outcome.failures == {}


async def test_instances_behind_a_balancer_that_looks_at_readyz_can_be_replaced_one_after_another(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    environment |= {"APP_DRAIN_SECONDS": "2"}
    fleets = [Fleet(folder(tmp_path, name), environment, port=free_port()) for name in ("one", "two")]
    ports = [int(fleet.address.rpartition(":")[2]) for fleet in fleets]
    ready: set[int] = set()

    async def look(stop: asyncio.Event) -> None:
        """As a balancer does: takes out who is not ready, and brings back who is."""
        async with httpx.AsyncClient() as http:
            while not stop.is_set():
                for port in ports:
                    try:
                        good = (await http.get(f"http://127.0.0.1:{port}/readyz")).is_success
                    except httpx.TransportError:
                        good = False
                    (ready.add if good else ready.discard)(port)
                await asyncio.sleep(LOOK_SECONDS)

    turns = cycle(ports)

    def choose() -> int:
        return next(port for port in turns if port in ready)

    stop = asyncio.Event()
    with fleets[0], fleets[1]:
        for fleet in fleets:
            fleet.start("api")
        for fleet in fleets:
            await asyncio.to_thread(fleet.until_ready)
        looking = asyncio.create_task(look(stop))

        async def both_are_ready() -> bool:
            return ready == set(ports)

        await until(both_are_ready)
        async with httpx.AsyncClient(base_url=fleets[0].address) as http:
            token = (await a_customer(http))["Authorization"]
        async with load(choose, token) as outcome:
            for fleet in fleets:
                await asyncio.to_thread(fleet.stop, "api")
                fleet.start("api")
                await asyncio.to_thread(fleet.until_ready)
                await until(both_are_ready)
        stop.set()
        await looking
    print(f"two instances, one after another: {outcome}")
    assert outcome.answered > 500
    assert outcome.failures == {}


async def test_the_newest_revision_comes_under_load_and_fails_no_request(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    database = make_url(environment["DATABASE_URL"])
    await asyncio.to_thread(command.downgrade, alembic_config(database), "-1")
    port = free_port()
    with Fleet(tmp_path, environment, port=port) as fleet:
        fleet.start("api")
        await asyncio.to_thread(fleet.until_ready)
        async with httpx.AsyncClient(base_url=fleet.address) as http:
            token = (await a_customer(http))["Authorization"]
        async with load(lambda: port, token) as outcome:
            began = time.monotonic()
            migrated = await asyncio.to_thread(order_service, database, "migrate")
            took = time.monotonic() - began
    print(f"the newest revision, in {took:.1f} s: {outcome}")
    assert migrated.returncode == 0, migrated.stderr
    assert outcome.answered > 200
    assert outcome.failures == {}


def children(pid: int) -> set[int]:
    """The workers; granian's helper for semaphores is none."""
    with suppress(psutil.NoSuchProcess):
        return {
            child.pid
            for child in psutil.Process(pid).children()
            if "resource_tracker" not in " ".join(child.cmdline())
        }
    return set()


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name
