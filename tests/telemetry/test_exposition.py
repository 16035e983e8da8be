"""The port at which a role tells how it is."""

import logging
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from adapters.side_port import SidePort
from adapters.telemetry.exposition import Dependency, Exposition
from adapters.telemetry.metrics import PREFIX, Metrics
from adapters.telemetry.shared import shared_registry

CHILD = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from adapters.telemetry.metrics import Metrics
metrics = Metrics(shared=True)
metrics.relay_events.inc(3)
metrics.http_seconds.labels("GET", "/orders").observe(0.003)
metrics.loop_turned.labels("main").set(1)
metrics.passwords_in_hand.set(2)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


class Asked:
    """Answers as it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.found: Mapping[str, Dependency] = {"postgresql": Dependency(ok=True, required=True)}

    def __call__(self) -> Mapping[str, Dependency]:
        self.times += 1
        return self.found


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def dependencies() -> Asked:
    return Asked()


@pytest.fixture
def port(metrics: Metrics, dependencies: Asked) -> Iterator[httpx.Client]:
    server = Exposition(("127.0.0.1", 0), metrics.registry, dependencies)
    with server.in_a_thread(), httpx.Client(base_url=f"http://127.0.0.1:{server.server_address[1]}") as client:
        yield client


def test_a_role_lives_while_its_event_loops_turn(port: httpx.Client, metrics: Metrics) -> None:
    assert port.get("/livez").json() == {"status": "hung", "troubles": ["no process works yet"]}
    metrics.loop_turned.labels("main").set(time.time() - 20)
    assert port.get("/livez").status_code == 200
    metrics.loop_turned.labels("worker").set(time.time() - 40)
    answer = port.get("/livez")
    assert answer.status_code == 503
    assert answer.json()["troubles"] == ["its event loop has not turned for 40 s (loop worker)"]


def test_work_that_never_ends_is_no_life(port: httpx.Client, metrics: Metrics) -> None:
    metrics.loop_turned.labels("main").set(time.time())
    metrics.longest_work.labels("main").set(119)
    assert port.get("/livez").status_code == 200
    metrics.longest_work.labels("main").set(121)
    assert port.get("/livez").json()["troubles"] == ["something has been in hand for 121 s (loop main)"]


@pytest.mark.parametrize(
    ("redis", "postgresql", "status", "word"),
    [(True, True, 200, "ok"), (False, True, 200, "degraded"), (True, False, 503, "unavailable")],
)
def test_only_what_is_required_makes_a_role_unready(
    port: httpx.Client, dependencies: Asked, *, redis: bool, postgresql: bool, status: int, word: str
) -> None:
    dependencies.found = {
        "postgresql": Dependency(ok=postgresql, required=True),
        "redis": Dependency(ok=redis, required=False),
    }
    answer = port.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (status, word)
    assert answer.json()["required"] == ["postgresql"]
    assert answer.json()["checks"]["redis"] == ("ok" if redis else "unavailable")


def test_whoever_asks_often_does_not_make_us_ask_often(port: httpx.Client, dependencies: Asked) -> None:
    for _ in range(20):
        port.get("/readyz")
    assert dependencies.times < 20


def test_nothing_else_is_there(port: httpx.Client) -> None:
    assert port.get("/").status_code == 404
    assert port.post("/metrics").status_code == 501


def test_what_goes_wrong_with_an_answer_is_told_in_the_log_alone(
    metrics: Metrics, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def gone() -> Mapping[str, Dependency]:
        if hung_up:
            raise ConnectionResetError
        raise ValueError("a bug")

    hung_up = True
    server = Exposition(("127.0.0.1", 0), metrics.registry, gone)
    with server.in_a_thread(), httpx.Client(base_url=f"http://127.0.0.1:{server.server_address[1]}") as client:
        with pytest.raises(httpx.HTTPError):
            client.get("/readyz")
        assert not caplog.records
        hung_up = False
        with pytest.raises(httpx.HTTPError):
            client.get("/readyz")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert capfd.readouterr().err == ""


def test_who_asks_slowly_is_hung_up_on(port: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SidePort, "patience_seconds", 0.3)
    with connected(port) as slow:
        slow.settimeout(0.05)
        for _ in range(200):
            try:
                slow.sendall(b"a")
                heard = slow.recv(1)
            except TimeoutError:
                continue  # it still listens
            except OSError:
                heard = b""
            assert heard == b""
            return
    pytest.fail("it listens for ever")


def test_so_many_are_listened_to_at_once_and_the_next_when_one_has_gone(port: httpx.Client) -> None:
    with ExitStack() as idle:
        for _ in range(64):
            last = idle.enter_context(connected(port))
        with connected(port) as refused:
            assert refused.recv(1) == b""
        last.close()
        for _ in range(100):
            try:
                assert port.get("/metrics").status_code == 200
                break
            except httpx.TransportError:
                time.sleep(0.05)
        else:
            pytest.fail("nobody is listened to any more")


def test_who_does_not_wait_for_the_answer_leaves_no_stack_trace(
    port: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with connected(port) as gone:
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert port.get("/metrics").status_code == 200
    assert capfd.readouterr().err == ""


def connected(port: httpx.Client) -> socket.socket:
    return socket.create_connection((port.base_url.host, port.base_url.port or 0), timeout=10)


def test_the_counts_of_a_process_stay_when_it_ends_and_its_gauges_go(tmp_path: Path) -> None:
    registry = shared_registry(tmp_path)
    first, second = start(tmp_path), start(tmp_path)
    assert value(registry, "relay_published_events_total") == 6
    assert value(registry, "passwords_in_hand") == 4
    assert len(beats(registry)) == 2
    end(first)
    assert value(registry, "relay_published_events_total") == 6
    assert value(registry, "passwords_in_hand") == 2
    assert beats(registry) == [str(second.pid)]
    third = start(tmp_path)
    for process in (second, third):
        end(process)
    for _ in range(2):
        assert value(registry, "relay_published_events_total") == 9
        assert value(registry, "http_request_seconds_count", method="GET", route="/orders") == 3
        assert value(registry, "http_request_seconds_bucket", method="GET", route="/orders", le="0.005") == 3
        assert beats(registry) == []
    assert {file.name for file in tmp_path.iterdir()} == {"counter_gone.db", "histogram_gone.db"}


def start(directory: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child


def end(child: "subprocess.Popen[str]") -> None:
    child.kill()
    child.communicate()


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"{PREFIX}_{name}", labels)


def beats(registry: CollectorRegistry) -> list[str]:
    name = f"{PREFIX}_loop_turned_timestamp_seconds"
    return [sample.labels["pid"] for metric in registry.collect() for sample in metric.samples if sample.name == name]
