"""What Redis and Kafka have in common: a process on a port, with data, log and pid file in one folder."""

import errno
import random
import socket
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from tests.services.process import Process, noted, spawn

ROOT = Path(__file__).resolve().parents[2]


class ServiceError(Exception):
    """A service cannot be started. The message says why and what mends it."""


class MissingProgramError(ServiceError):
    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"{program} is not installed. To mend it: {remedy}")
        self.program = program


class Server(ABC):
    """One server on 127.0.0.1. Its data survives `stop`, `kill` and the object itself.

    `folder` gets `<name>/` (data), `<name>.log` and `<name>.pid`. Port 0 is a free port, kept by this object,
    so clients find the server again after `stop` or `kill` and `start`. The server dies with this process,
    even when that is killed, unless it is `detached`: then whoever looks into the same folder finds it again.

    Methods block, `start` for seconds: `await asyncio.to_thread(server.start)` where a loop must go on.
    """

    name: ClassVar[str]
    port_setting: ClassVar[str]
    patience: ClassVar[float] = 60
    """Seconds for a start, and for an orderly end."""

    def __init__(self, folder: Path, port: int = 0, *, detached: bool = False) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / self.name
        self.log = self.folder / f"{self.name}.log"
        self.detached = detached
        self._pid_file = self.folder / f"{self.name}.pid"
        self._port = port

    @property
    def process(self) -> Process | None:
        """The running process, paused or not."""
        found = noted(self._pid_file)
        return found[0] if found else None

    @property
    def running(self) -> bool:
        return self.process is not None

    @property
    def port(self) -> int:
        """The port it runs on, or will."""
        if found := noted(self._pid_file):
            self._port = found[1]
        elif not self._port:
            self._port = free_port()
        return self._port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    @abstractmethod
    def env(self) -> dict[str, str]:
        """What tests need to know to find it."""

    def start(self) -> None:
        """Returns when it serves, started now or before."""
        if running := self.process:
            self._await_service(running, log_from=0)
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if not is_free(self.port):
            raise ServiceError(f"port {self.port} is taken by another program; {self.port_setting} chooses another")
        command = self.command()
        log_from = self.log.stat().st_size if self.log.exists() else 0
        process = spawn(command, pid_file=self._pid_file, port=self.port, log=self.log, tied=not self.detached)
        try:
            self._await_service(process, log_from)
        except BaseException:
            process.kill()
            raise

    def stop(self) -> None:
        """An orderly end; nothing to do when it is not running."""
        if process := self.process:
            self._port = self.port
            process.stop(patience=self.patience)
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """kill -9: what was acknowledged must survive it."""
        if process := self.process:
            self._port = self.port
            process.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nobody answers."""
        if process := self.process:
            process.pause()

    def resume(self) -> None:
        if process := self.process:
            process.resume()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def command(self) -> list[str]:
        """Makes the data folder and the configuration ready, and says what to run."""

    @abstractmethod
    def serves(self, process: Process) -> bool:
        """Whether this very process answers a client's real request. Called until it does."""

    def _await_service(self, process: Process, log_from: int) -> None:
        deadline = time.monotonic() + self.patience
        while not self.serves(process):
            if process.ended(within=0.05):
                raise ServiceError(f"{self.name} ended while starting. {self._tail(log_from)}")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} (pid {process.pid}) does not answer. {self._tail(log_from)}")

    def _tail(self, log_from: int) -> str:
        written = self.log.read_bytes()[log_from:].decode(errors="replace").splitlines() if self.log.exists() else []
        return "\n  ".join([f"The end of {self.log}:", *written[-15:]])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as refused:
            if refused.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def accepts(port: int) -> bool:
    """Cheap, and no proof of service."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port nobody listens on, outside the range the kernel takes clients' ports from.

    Inside it, a client which keeps reconnecting while the server is down is sooner or later given that very
    port, connects to itself, and the server can never come back.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = range(10_000, lowest if lowest > 11_000 else 32_768)
    return next(port for port in iter(lambda: random.choice(ports), None) if is_free(port))
