"""Drives a server with wrk, and tells what that cost whom."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from tests.benchmarks.usage import Processes, peak_megabytes

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("requests.lua")
_FOREVER = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests to one server, as bytes; `once` where a request cannot be made twice."""

    address: str
    api: Processes
    services: Processes
    requests: Sequence[bytes]
    expected: Set[int] = frozenset({200})
    once: bool = False


class Driven(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies are in ms, and as wrk corrects them for the requests that a slow answer kept it from sending.

    CPU is ms for each request, of the API's processes and of PostgreSQL's and Redis's together; `peak_mb` is the most
    that any process of the API ever held. `wrong`: answers with another status than expected, or none at all.
    """

    requests: int
    per_second: float
    p50: float
    p99: float
    api_cpu: float
    services_cpu: float
    peak_mb: float
    wrong: int
    statuses: dict[str, int]


def require_wrk() -> None:
    if shutil.which("wrk") is None:
        print("wrk, the load generator, is not installed. To mend it: apt-get install wrk", file=sys.stderr)
        sys.exit(2)


def drive(load: Load, seconds: int) -> Driven:
    """For so many seconds; less, if every request is to be made once and they come to an end."""
    return _driven(load, seconds, limit=len(load.requests) if load.once else 0)


def drive_so_many(load: Load, number: int) -> Driven:
    return _driven(load, _FOREVER, limit=number)


def _driven(load: Load, seconds: int, *, limit: int) -> Driven:
    with tempfile.NamedTemporaryFile(prefix="order-service-bench-") as file:
        file.write(b"\0".join(load.requests))
        file.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=10s", f"-s{SCRIPT}", load.address]
        api, services = load.api.cpu_seconds(), load.services.cpu_seconds()
        done = subprocess.run(
            [*command, "--", file.name, str(limit), f"{uuid4().hex}-"], capture_output=True, text=True, check=False
        )
        api, services = load.api.cpu_seconds() - api, load.services.cpu_seconds() - services
    lines = done.stdout.splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    told: dict[str, Any] = msgspec.json.decode(lines[-1])
    if not told["requests"]:
        raise RuntimeError(f"nothing was answered by {load.address}")
    unexpected = sum(count for status, count in told["statuses"].items() if int(status) not in load.expected)
    return Driven(
        requests=told["requests"],
        per_second=told["requests"] / told["seconds"],
        p50=told["p50"],
        p99=told["p99"],
        api_cpu=1000 * api / told["requests"],
        services_cpu=1000 * services / told["requests"],
        peak_mb=peak_megabytes(load.api),
        wrong=unexpected + told["socket_errors"],
        statuses=told["statuses"],
    )
