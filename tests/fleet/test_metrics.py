"""What each role tells of itself at its own port: after real work, from all of its processes, and when one hangs."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.telemetry.exposition import LONGEST_WITHOUT_A_TURN_SECONDS
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.fleet.topics import tell
from tests.fleet.waiting import until
from tests.services.server import free_port

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 3, "unit_price": "4.50"}]}
ORDERS = 30
ROLES = ("api", "relay", "consumer", "worker", "scheduler")

Labels = Mapping[str, str]


class Scrape:
    """Numbers by name and labels."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples if sample.name
        ]

    def total(self, name: str, **labels: str) -> float:
        return sum(self.all(name, **labels))

    def all(self, name: str, **labels: str) -> list[float]:
        found = [s for s in self._samples if s.name == f"order_service_{name}" and labels.items() <= s.labels.items()]
        return [sample.value for sample in found]

    def has(self, name: str) -> bool:
        return any(sample.name == name for sample in self._samples)


@pytest.fixture
async def fleet(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Fleet]:
    ports = {role: free_port() for role in ROLES}
    with Fleet(
        tmp_path, environment, port=free_port(), api_workers=2, worker_processes=2, metrics_ports=ports
    ) as roles:
        roles.start()
        await asyncio.to_thread(roles.until_ready)
        yield roles


async def ask(fleet: Fleet, role: str, page: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=10) as http:
        return await http.get(f"http://127.0.0.1:{fleet.metrics_ports[role]}{page}")


async def scrape(fleet: Fleet, role: str) -> Scrape:
    return Scrape((await ask(fleet, role, "/metrics")).text)


async def until_told(fleet: Fleet, role: str, is_so: Callable[[Scrape], bool]) -> None:
    async def told() -> bool:
        return is_so(await scrape(fleet, role))

    await until(told)


async def is_live(fleet: Fleet, role: str) -> bool:
    return (await ask(fleet, role, "/livez")).is_success


def processes_of(fleet: Fleet, role: str) -> list[psutil.Process]:
    """Those that do the role's work: the first one, or those that it started with an event loop of their own."""
    return psutil.Process(fleet.pid(role)).children()


async def test_every_role_tells_what_it_did_and_all_of_its_processes_count(
    fleet: Fleet, environment: dict[str, str], kafka_bootstrap_servers: str
) -> None:
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        ann = await a_customer(http)

    async def place() -> None:
        async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:  # a connection of its own
            order = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()
            for _ in range(2):
                await http.get(f"/api/v1/orders/{order['id']}", headers=ann)

    await asyncio.gather(*(place() for _ in range(ORDERS)))
    payments = environment["KAFKA_PAYMENTS_TOPIC"]
    await tell(kafka_bootstrap_servers, payments, "payment.captured", {"order_id": "no id of ours"})

    placing, reading = {"method": "POST", "route": "/api/v1/orders"}, {"route": "/api/v1/orders/{order_id}"}
    told = await scrape(fleet, "api")
    assert told.total("http_requests_total", **placing, status="201") == ORDERS
    assert told.total("http_request_seconds_count", **placing) == ORDERS
    assert told.total("http_requests_total", **reading, method="GET", status="200") == 2 * ORDERS
    assert told.total("use_case_seconds_count", use_case="PlaceOrder", outcome="done") == ORDERS
    assert told.total("cache_reads_total") == 2 * ORDERS
    assert told.total("limiter_takes_total", quota="orders", outcome="allowed") == 3 * ORDERS
    assert told.total("postgresql_connections_most") == 20
    assert len(told.all("loop_turned_timestamp_seconds")) == 2
    assert told.total("build_info") == 1
    assert told.has("process_resident_memory_bytes")

    await until_told(fleet, "worker", lambda told: told.total("job_seconds_count", outcome="done") >= ORDERS)
    await until_told(fleet, "api", lambda told: told.total("http_requests_in_progress") == 0)
    assert len((await scrape(fleet, "worker")).all("loop_turned_timestamp_seconds")) == 2
    events = 2 * ORDERS  # placed and processed
    await until_told(fleet, "relay", lambda told: told.total("relay_published_events_total") == events)
    assert (await scrape(fleet, "relay")).total("relay_active") == 1
    topic = environment["KAFKA_TOPIC"]
    await until_told(
        fleet, "consumer", lambda told: told.total("message_seconds_count", topic=topic, outcome="done") == events
    )
    await until_told(
        fleet, "consumer", lambda told: told.total("message_seconds_count", topic=payments, outcome="dead") == 1
    )
    await until_told(fleet, "scheduler", lambda told: told.total("dead_letters") == 1)
    await until_told(fleet, "scheduler", lambda told: told.all("relay_lag_events") == [0])
    told = await scrape(fleet, "scheduler")
    assert told.total("chore_runs_total", outcome="done") >= 5
    assert told.all("consumer_lag_messages", topic=topic) == [0]
    assert told.all("queue_jobs", state="waiting") == [0]

    for role in fleet.roles:
        assert await is_live(fleet, role)
        ready = (await ask(fleet, role, "/readyz")).json()
        assert ready["status"] == "ok"
        assert set(ready["required"]) <= set(ready["checks"])


async def test_a_process_that_is_killed_leaves_its_counts_and_not_its_gauges(fleet: Fleet) -> None:
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        assert (await http.get("/livez")).is_success
    await until_told(fleet, "api", lambda told: len(told.all("loop_turned_timestamp_seconds")) == 2)
    before = (await scrape(fleet, "api")).total("http_requests_total")
    assert before >= 1
    pids = {process.pid for process in processes_of(fleet, "api")}
    told = (await ask(fleet, "api", "/metrics")).text
    victim = next(pid for pid in pids if f'pid="{pid}"' in told)

    os.kill(victim, signal.SIGKILL)

    async def is_gone() -> bool:
        return f'pid="{victim}"' not in (await ask(fleet, "api", "/metrics")).text

    await until(is_gone)
    assert (await scrape(fleet, "api")).total("http_requests_total") >= before
    await until_told(fleet, "api", lambda told: len(told.all("loop_turned_timestamp_seconds")) == 2)


async def test_a_process_that_stands_still_is_found_out(fleet: Fleet) -> None:
    stopped: dict[str, psutil.Process] = {}
    for role in ("api", "worker"):
        await until_told(fleet, role, lambda told: len(told.all("loop_turned_timestamp_seconds")) == 2)
        told = (await ask(fleet, role, "/metrics")).text
        stopped[role] = next(process for process in processes_of(fleet, role) if f'pid="{process.pid}"' in told)
        assert await is_live(fleet, role)
    for process in stopped.values():
        process.suspend()
    try:
        for role, process in stopped.items():

            async def is_found_out(role: str = role, pid: int = process.pid) -> bool:
                return f"(loop main, pid {pid})" in (await ask(fleet, role, "/livez")).text

            await until(is_found_out, patience=LONGEST_WITHOUT_A_TURN_SECONDS + 10)
            assert not await is_live(fleet, role)
    finally:
        for process in stopped.values():
            process.resume()


@pytest.mark.parametrize("role", ["relay", "api"])
def test_a_port_that_somebody_has_already_is_told_in_one_line(
    tmp_path: Path, environment: dict[str, str], role: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", f"composition.{role}"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **environment, "METRICS_PORT": str(port)},
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
        )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"Cannot listen on 127.0.0.1:{port}" in line
