"""Starting, finding, signalling and waiting for server processes. Linux only (pidfd, prctl)."""

import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.services import launch

# To the kernel, the end of the *thread* which spawned a child is the end of its parent. A server started from
# a worker thread would die with that thread, so all are spawned from this one, which lives as long as we do.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(frozen=True, slots=True)
class Process:
    """A process which is never mistaken for a later one with the same number."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        born = launch.born(pid)
        return None if born is None else cls(pid, born)

    @property
    def alive(self) -> bool:
        return not self.ended(within=0)

    def ended(self, *, within: float) -> bool:
        """Waits up to `within` seconds for the end. A zombie has ended; if it is our child it is reaped."""
        with self._held() as held:
            if held is None:
                return True
            end = select.poll()
            end.register(held, select.POLLIN)
            if not end.poll(within * 1000):
                return False
            with suppress(ChildProcessError):  # somebody else's child
                os.waitpid(self.pid, os.WNOHANG)
            return True

    def signal(self, number: signal.Signals) -> None:
        """Does nothing when the process has ended."""
        with self._held() as held, suppress(ProcessLookupError):
            if held is not None:
                signal.pidfd_send_signal(held, number)

    def pause(self) -> None:
        """Returns when the process stands still."""
        self.signal(signal.SIGSTOP)
        while self._state() not in "TZ" and not self.ended(within=0.001):
            pass

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9, and waits for the end."""
        self.signal(signal.SIGKILL)
        self.ended(within=30)

    def stop(self, *, patience: float) -> None:
        """Asks for an orderly end, kill -9 when it takes longer than `patience` seconds."""
        self.signal(signal.SIGTERM)
        self.resume()
        if not self.ended(within=patience):
            self.kill()

    def _state(self) -> str:
        with suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "Z"

    @contextmanager
    def _held(self) -> Iterator[int | None]:
        """A handle which stays with this process even if its number is given to another meanwhile."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield handle if launch.born(self.pid) == self.born else None
        finally:
            os.close(handle)


def spawn(command: Sequence[str], *, pid_file: Path, port: int, log: Path, tied: bool) -> Process:
    """Starts a server in a session of its own, its output appended to `log`.

    A tied one is killed by the kernel when this process ends, however it ends. The others outlive it.
    """
    return _SPAWNER.submit(_spawn, command, pid_file, port, log, tied).result()


def _spawn(command: Sequence[str], pid_file: Path, port: int, log: Path, tied: bool) -> Process:
    parent = str(os.getpid()) if tied else "0"
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", launch.__file__, str(pid_file), str(port), parent, *command],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # Ctrl-C at the terminal is for us alone
    )
    process = Process.of(pid)
    assert process is not None, "a child stays visible until it is reaped"
    return process


def noted(pid_file: Path) -> tuple[Process, int] | None:
    """The process in a pid file and its port, or None if it has ended."""
    try:
        pid, born, port = pid_file.read_text().split()
    except FileNotFoundError:
        return None
    process = Process(int(pid), born)
    return (process, int(port)) if process.alive else None
