"""Each role's own command, started, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.services.launch import spawn

READY_SECONDS = 60

BIN = Path(sys.executable).parent


def commands(port: int, *, api_workers: int, worker_threads: int) -> Mapping[str, list[str]]:
    """As the README tells them, but for the port and the numbers."""
    return {
        "api": [
            str(BIN / "granian"),
            "--interface=asgi",
            "--no-ws",
            "--host=127.0.0.1",
            f"--port={port}",
            f"--workers={api_workers}",
            "--respawn-failed-workers",
            "--workers-kill-timeout=30",
            "--backpressure=1024",
            "composition.api:app",
        ],
        "relay": [sys.executable, "-m", "composition.relay"],
        "consumer": [sys.executable, "-m", "composition.consumer"],
        "worker": [str(BIN / "dramatiq"), "composition.worker:broker", "-p", "1", "-t", str(worker_threads)],
        "scheduler": [sys.executable, "-m", "composition.scheduler"],
    }
