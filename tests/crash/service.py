"""The embedded service as a process that can be killed and started again on the same data."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from tests.log_scan import SCAN

START_SECONDS = 60
SECONDS_TO_FOLLOW = 30
"""How long the database may run on after the service was killed."""


class Service:
    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "APP_PORT": str(port),
            "VAR_DIR": str(folder / "var"),
            "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "100000",
            "WRONG_PASSWORDS_PER_HOUR": "100000",
            "RATE_LIMIT_ORDERS_PER_MINUTE": "10000000",
            "SCREENING_MOST_ORDERS_PER_HOUR": "10000000",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._ready = False
        self.address = f"http://127.0.0.1:{port}"
        self.seconds_to_ready: list[float] = []
        self.databases_left_running = 0

    @property
    def database_home(self) -> Path:
        """Where the data, the password and the socket are; as root the file `location` tells."""
        postgres = self._folder / "var" / "postgres"
        location = postgres / "location"
        return Path(location.read_text().strip()) if location.exists() else postgres

    def start(self) -> None:
        self._started, self._ready = time.monotonic(), False
        with SCAN.watch(self._folder / "service.log", json=False).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "composition.cli", "up"],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def until_ready(self) -> None:
        if not await self.is_ready_within(START_SECONDS):
            raise TimeoutError(f"the service is not ready; see {self._folder}/service.log")

    async def is_ready_within(self, seconds: float) -> bool:
        """Watches until `seconds` after the start, or until it is ready."""
        async with httpx.AsyncClient(base_url=self.address, timeout=2) as http:
            while not self._ready and time.monotonic() - self._started < seconds:
                if self._process is not None and self._process.poll() is not None:
                    raise RuntimeError(f"the service ended by itself; see {self._folder}/service.log")
                try:
                    if (await http.get("/readyz")).is_success:
                        self._ready = True
                        self.seconds_to_ready.append(time.monotonic() - self._started)
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)
        return self._ready

    def kill(self) -> None:
        """Of this one process alone; its PostgreSQL has to notice by itself."""
        self._end(signal.SIGKILL)

    async def until_database_has_followed(self) -> None:
        """Only Linux tells a process of its parent's death: elsewhere the next start ends the database."""
        if sys.platform != "linux":
            return
        deadline = time.monotonic() + SECONDS_TO_FOLLOW
        while self._database_runs():
            if time.monotonic() > deadline:
                self.databases_left_running += 1
                return
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _database_runs(self) -> bool:
        """Also initdb, and a server process that has another title by now."""
        home = str(self.database_home)
        return any(
            (process.info["cwd"] or "").startswith(home)
            or any(home in argument for argument in process.info["cmdline"] or ())
            for process in psutil.process_iter(["cwd", "cmdline"])
        )

    def _end(self, signal_number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
            finally:
                self._process = None
