"""A port of its own at which a role tells how it is: `/metrics`, `/livez` and `/readyz`. Not for the public."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from adapters.side_port import SidePort
from adapters.telemetry.metrics import PREFIX

LONGEST_WITHOUT_A_TURN_SECONDS = 30.0
LONGEST_WORK_SECONDS = 120.0
"""A job may take 30 s, and a batch of the relay waits as long for Kafka."""

_KNOWN_FOR_SECONDS = 1.0
_JSON = "application/json"

Answer = tuple[HTTPStatus, str, bytes]


@dataclass(frozen=True, slots=True)
class Dependency:
    """`required`: without it the role cannot do its work at all."""

    ok: bool
    required: bool


Dependencies = Callable[[], Mapping[str, Dependency]]
"""Asks each dependency, by name. It may take some seconds, and is called by one thread at a time."""


class Exposition(SidePort):
    """Serves until it is shut down. `registry` has the metrics of all processes of the role. Raises OSError."""

    def __init__(self, address: tuple[str, int], registry: CollectorRegistry, dependencies: Dependencies) -> None:
        self._registry = registry
        self._ask = dependencies
        self._asking = threading.Lock()
        self._known: tuple[float, Mapping[str, Dependency]] = (float("-inf"), {})
        self.pages: Mapping[str, Callable[[], Answer]] = {
            "/metrics": self._metrics,
            "/livez": self._livez,
            "/readyz": self._readyz,
        }
        super().__init__(address, _Handler)

    @contextmanager
    def in_a_thread(self) -> Iterator[None]:
        thread = threading.Thread(target=self.serve_forever, name="exposition", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    def _metrics(self) -> Answer:
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def _livez(self) -> Answer:
        troubles = list(_troubles(self._registry))
        return _told(not troubles, {"status": "hung" if troubles else "ok", "troubles": troubles})

    def _readyz(self) -> Answer:
        with self._asking:
            asked_at, found = self._known
            if time.monotonic() - asked_at > _KNOWN_FOR_SECONDS:
                found = self._ask()
                self._known = (time.monotonic(), found)
        status = status_of(found)
        checks = {name: "ok" if one.ok else "unavailable" for name, one in found.items()}
        required = [name for name, one in found.items() if one.required]
        return _told(status != "unavailable", {"status": status, "checks": checks, "required": required})


class _Handler(BaseHTTPRequestHandler):
    server: Exposition
    server_version = "order-service"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            known = f"Only {', '.join(self.server.pages)} are here.\n"
            return self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", known.encode())
        return self._answer(*page())

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: who asks is no news."""


def status_of(dependencies: Mapping[str, Dependency]) -> str:
    """`ok`; `degraded` where only such are gone that are not required; else `unavailable`."""
    if any(one.required and not one.ok for one in dependencies.values()):
        return "unavailable"
    return "ok" if all(one.ok for one in dependencies.values()) else "degraded"


def _troubles(registry: CollectorRegistry) -> Iterator[str]:
    """What is wrong with the role's processes: none is there, or one of them gets nowhere."""
    now, beats = time.time(), 0
    for metric in registry.collect():
        for sample in metric.samples:
            who = ", ".join(f"{name} {value}" for name, value in sorted(sample.labels.items()))
            if sample.name == f"{PREFIX}_loop_turned_timestamp_seconds":
                beats += 1
                if now - sample.value > LONGEST_WITHOUT_A_TURN_SECONDS:
                    yield f"its event loop has not turned for {now - sample.value:.0f} s ({who})"
            elif sample.name == f"{PREFIX}_longest_work_seconds" and sample.value > LONGEST_WORK_SECONDS:
                yield f"something has been in hand for {sample.value:.0f} s ({who})"
    if not beats:
        yield "no process works yet"


def _told(well: bool, content: Mapping[str, object]) -> Answer:
    return HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, _JSON, json.dumps(content).encode()
