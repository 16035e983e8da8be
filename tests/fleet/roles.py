"""Each role's own command, started, killed and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.log_scan import SCAN

READY_SECONDS = 60


def commands(
    port: int, *, api: str, api_workers: int, worker_processes: int, worker_threads: int
) -> Mapping[str, list[str]]:
    """As the README tells them, but for the port and the numbers."""
    return {
        "api": [sys.executable, "-m", api, f"--port={port}", f"--workers={api_workers}"],
        "relay": [sys.executable, "-m", "composition.relay"],
        "consumer": [sys.executable, "-m", "composition.consumer"],
        "worker": [sys.executable, "-m", "composition.worker", f"-p={worker_processes}", f"-t={worker_threads}"],
        "scheduler": [sys.executable, "-m", "composition.scheduler"],
    }


class Fleet:
    """The roles as processes with one environment; each in a session of its own, to be killed whole."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        port: int,
        api: str = "composition.api",
        api_workers: int = 1,
        worker_processes: int = 1,
        worker_threads: int = 4,
        metrics_ports: Mapping[str, int] | None = None,
    ) -> None:
        self._folder = folder
        self._environment = {"PATH": os.environ["PATH"], "APP_DRAIN_SECONDS": "0", **environment}
        self._commands = commands(
            port,
            api=api,
            api_workers=api_workers,
            worker_processes=worker_processes,
            worker_threads=worker_threads,
        )
        self.metrics_ports = metrics_ports or {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.address = f"http://127.0.0.1:{port}"
        self.roles = tuple(self._commands)

    def start(self, *roles: str) -> None:
        for role in roles or self.roles:
            with SCAN.watch(self._folder / f"{role}.log", json=True).open("ab") as log:
                self._running[role] = subprocess.Popen(
                    self._commands[role],
                    cwd=self._folder,
                    env=self._environment_of(role),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def _environment_of(self, role: str) -> Mapping[str, str]:
        port = self.metrics_ports.get(role)
        return self._environment if port is None else {**self._environment, "METRICS_PORT": str(port)}

    def kill(self, role: str) -> None:
        process = self._running.pop(role, None)
        if process is not None:
            _kill(process)

    def stop(self, *roles: str) -> None:
        """An orderly end of all of them at the same time, which is waited for."""
        ending = [self._running.pop(role) for role in roles or tuple(self._running) if role in self._running]
        for process in ending:
            process.send_signal(signal.SIGTERM)  # the first process sees to its children
        for process in ending:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                _kill(process)

    def stop_whole(self, role: str) -> int:
        """Tells every process of it, as systemd does. Its exit code; raises TimeoutExpired after 30 s."""
        process = self._running[role]
        os.killpg(process.pid, signal.SIGTERM)
        code = process.wait(30)
        del self._running[role]
        return code

    def pid(self, role: str) -> int:
        """Of the role's first process, the others are its children."""
        return self._running[role].pid

    def until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                if httpx.get(f"{self.address}/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"the API is not ready; see {self._folder}/api.log")
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill("worker")  # which takes seconds to end in order: those tests wait for that which are about it
        self.stop()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """With its children: nobody is left to see to them."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
