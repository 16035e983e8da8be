"""The embedded service as a process that can be killed and started again on the same data."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

START_SECONDS = 60


class Service:
    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "APP_PORT": str(port),
            "VAR_DIR": str(folder / "var"),
            "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "100000",
            "RATE_LIMIT_ORDERS_PER_MINUTE": "10000000",
            "SCREENING_MOST_ORDERS_PER_HOUR": "10000000",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{port}"
        self.seconds_to_ready: list[float] = []

    def start(self) -> None:
        with (self._folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "composition.cli", "up"],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def until_ready(self) -> None:
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=self.address) as http:
            while True:
                try:
                    if (await http.get("/readyz")).is_success:
                        break
                except httpx.TransportError:
                    pass
                if time.monotonic() - began > START_SECONDS:
                    raise TimeoutError(f"the service is not ready; see {self._folder}/service.log")
                await asyncio.sleep(0.05)
        self.seconds_to_ready.append(time.monotonic() - began)

    def kill(self) -> None:
        """Of this one process alone; its PostgreSQL has to notice by itself."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, signal_number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait(60)
            self._process = None
