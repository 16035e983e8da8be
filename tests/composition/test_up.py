"""`order-service up` and `order-service demo`, as a person runs them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import httpx
import psutil
import pytest

from adapters.embedded.postgres import EmbeddedPostgres
from tests.fleet.collector import collecting
from tests.log_scan import SCAN
from tests.services.server import free_port

ORDER_SERVICE = [sys.executable, "-m", "composition.cli"]
READY_SECONDS = 60

JOB_DONE = 'order_service_job_seconds_count{outcome="done"} 1.0'
EVENTS_TOLD = "order_service_relay_published_events_total 2.0"
LAG = "order_service_relay_lag_events 0.0"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    EmbeddedPostgres(tmp_path / "var" / "postgres").remove()


def test_ctrl_c_stops_everything_and_a_second_start_finds_it_all_again(folder: Path) -> None:
    with running(folder) as (service, address, said):
        password = re.search(r"password (\S+)", said)
        assert password, said
        mother = psutil.Process(service.pid)
        family = [mother, *mother.children(recursive=True)]
        assert any("postgres" in relative.name() for relative in family)
        login = {"grant_type": "password", "username": "admin@order-service.local", "password": password[1]}
        assert httpx.post(f"{address}/api/v1/auth/token", data=login).status_code == 200

        for _ in range(3):  # as a terminal and the programs in between may send it
            os.kill(service.pid, signal.SIGINT)
        assert service.wait(30) == 0
        gone, alive = psutil.wait_procs(family, timeout=10)
        assert not alive, gone

    with running(folder) as (service, address, said):
        assert "password" not in said
        assert httpx.post(f"{address}/api/v1/auth/token", data=login).status_code == 200
    assert (folder / "var" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_all_of_it_tells_at_one_port_how_it_is(folder: Path) -> None:
    at = f"http://127.0.0.1:{(port := free_port())}"
    with running(folder, {"METRICS_PORT": str(port)}) as (_, address, __):
        account = {"email": "ann@example.com", "password": "correct horse battery"}
        assert httpx.post(f"{address}/api/v1/accounts", json=account).status_code == 201
        login = {"grant_type": "password", "username": account["email"], "password": account["password"]}
        token = httpx.post(f"{address}/api/v1/auth/token", data=login).json()["access_token"]
        body = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 1, "unit_price": "4.50"}]}
        placed = httpx.post(f"{address}/api/v1/orders", json=body, headers={"Authorization": f"Bearer {token}"})
        assert placed.status_code == 201
        deadline = time.monotonic() + READY_SECONDS
        while not {JOB_DONE, EVENTS_TOLD, LAG}.issubset(httpx.get(f"{at}/metrics").text.splitlines()):
            assert time.monotonic() < deadline, httpx.get(f"{at}/metrics").text
            time.sleep(0.1)
        assert httpx.get(f"{at}/livez").json() == {"status": "ok", "troubles": []}
        assert httpx.get(f"{at}/readyz").json() == {
            "status": "ok",
            "checks": {"postgresql": "ok"},
            "required": ["postgresql"],
        }
        assert httpx.get(f"{at}/nothing").status_code == 404


def test_an_order_is_one_tree_in_one_process_too(folder: Path) -> None:
    with collecting() as collector:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "RATE_LIMIT_ORDERS_PER_MINUTE": "100000"}
        with running(folder, settings) as (service, address, _), httpx.Client(base_url=address) as http:
            login = {"email": "ann@example.com", "password": "correct horse battery"}
            assert http.post("/api/v1/accounts", json=login).status_code == 201
            form = {"grant_type": "password", "username": login["email"], "password": login["password"]}
            token = http.post("/api/v1/auth/token", data=form).json()["access_token"]
            ann = {"Authorization": f"Bearer {token}"}
            lines = [{"name": "Mug", "quantity": 1, "unit_price": "1.00"}]
            order = http.post("/api/v1/orders", json={"currency": "EUR", "lines": lines}, headers=ann).json()
            deadline = time.monotonic() + READY_SECONDS
            while order["processing_status"] != "PROCESSED":
                assert time.monotonic() < deadline, order
                time.sleep(0.05)
                order = http.get(f"/api/v1/orders/{order['id']}", headers=ann).json()
            service.terminate()
            assert service.wait(30) == 0
        [trace] = {span.trace for span in collector.about(order["id"]) if span.name == "process orders"}
        tree = collector.of(trace)
    assert {span.parent for span in tree.values()} - tree.keys() == {""}
    assert {"POST /api/v1/orders", "PlaceOrder", "COMMIT", "send events", "ProcessOrder"} <= {
        span.name for span in tree.values()
    }


def test_two_services_cannot_share_a_folder(folder: Path) -> None:
    with running(folder):
        second = subprocess.run(
            [*ORDER_SERVICE, "up"],
            cwd=folder,
            env=environment(folder, free_port()),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    assert "in use by another instance" in second.stderr


@pytest.mark.parametrize("name", ["APP_PORT", "METRICS_PORT"])
def test_a_port_in_use_is_said_before_anything_starts(folder: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = subprocess.run(
            [*ORDER_SERVICE, "up"],
            cwd=folder,
            env=environment(folder, free_port()) | {name: str(port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert refused.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert not (folder / "var").exists()


def test_the_demo_tells_the_whole_story() -> None:
    demo = subprocess.run([*ORDER_SERVICE, "demo"], capture_output=True, text=True, timeout=120, check=False)
    assert demo.returncode == 0, demo.stderr
    assert "order.delivered" in demo.stdout


@contextmanager
def running(
    folder: Path, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """The process, its address, and what it said on starting."""
    port = free_port()
    with (
        SCAN.watch(folder / "up.log", json=True).open("ab") as log,
        subprocess.Popen(
            [*ORDER_SERVICE, "up"],
            cwd=folder,
            env={**environment(folder, port), "LOG_FORMAT": "json", **settings},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as service,
    ):
        try:
            assert service.stdout is not None
            said = ""
            for line in service.stdout:
                said += line
                if line.startswith("Ctrl-C"):
                    break
            address = f"http://127.0.0.1:{port}"
            until_ready(address)
            yield service, address, said
        finally:
            service.terminate()


def until_ready(address: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if httpx.get(f"{address}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "never ready"
        time.sleep(0.05)


def environment(folder: Path, port: int) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "VAR_DIR": str(folder / "var"), "APP_PORT": str(port)}
