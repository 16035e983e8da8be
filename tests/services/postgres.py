"""A real PostgreSQL, the one of the embedded mode, held by a process of its own so that it outlives the launcher."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import ClassVar

from sqlalchemy import URL

from adapters.embedded.postgres import EmbeddedPostgres
from tests.services.process import Process
from tests.services.server import ROOT, Server


class PostgresServer(Server):
    """Reached over a socket, not a port; the port here only tells one holder from another."""

    name: ClassVar[str] = "postgres"
    port_setting: ClassVar[str] = "SERVICES_POSTGRES_PORT"

    @property
    def address(self) -> str:
        return str(self._url_file)

    @property
    def env(self) -> dict[str, str]:
        return {"TEST_POSTGRES_URL": self._url_file.read_text().split()[1]}

    @property
    def _url_file(self) -> Path:
        return self.folder / "postgres.url"

    def command(self) -> list[str]:
        self._url_file.unlink(missing_ok=True)
        path = f"import sys; sys.path[:0] = [{str(ROOT)!r}]"  # the folder it runs in is not the repository's
        code = f"{path}; from tests.services.postgres import hold; hold(*sys.argv[1:])"
        return [sys.executable, "-c", code, str(self.data), str(self._url_file)]

    def remove(self) -> None:
        """Stops it and deletes its data: for root these are not in the folder, and would stay for ever."""
        self.stop()
        EmbeddedPostgres(self.data).remove()

    def serves(self, process: Process) -> bool:
        return self._url_file.exists() and self._url_file.read_text().startswith(f"{process.pid} ")


def hold(data: str, url_file: str) -> None:
    """Runs the server until SIGTERM; `url_file` tells who it is and where, for as long as it does."""
    asked_to_stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: asked_to_stop.set())
    with EmbeddedPostgres(Path(data)) as postgres:
        to = postgres.connection
        where = {"host": str(to.host), "port": str(to.port)}
        url = URL.create("postgresql+asyncpg", to.user, to.password, database=to.database, query=where)
        draft = Path(f"{url_file}.new")
        draft.touch(mode=0o600)
        draft.write_text(f"{os.getpid()} {url.render_as_string(hide_password=False)}\n")
        draft.replace(url_file)
        asked_to_stop.wait()
        Path(url_file).unlink(missing_ok=True)
