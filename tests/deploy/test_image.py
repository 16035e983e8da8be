"""The image is made of what there is, and its health check tells the well from the sick."""

import re
import runpy
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.deploy.code import DEPLOY, PYPROJECT, ROLES, ROOT, VERSION, is_command

DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()

trouble: Callable[[Path, Mapping[str, str]], str | None] = runpy.run_path(str(DEPLOY / "healthcheck.py"))["trouble"]


def _instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.+)$", DOCKERFILE, re.MULTILINE)


def test_the_images_beneath_are_one_version() -> None:
    for image in _instructions("FROM"):
        assert re.match(r"python:3\.13\.\d+-slim-bookworm( AS build)?$", image)


def test_all_that_is_packed_comes_in_and_nothing_that_is_not_there() -> None:
    copied = [
        source.rstrip("/")
        for line in _instructions("COPY")
        if not line.startswith("--from")
        for source in shlex.split(line)[:-1]
    ]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert sorted(f"!{source}" for source in copied) == sorted(line for line in IGNORED if line.startswith("!"))
    assert set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied)
    assert "*" in IGNORED


def test_it_is_nobody_and_a_role_by_itself() -> None:
    assert _instructions("USER") == ["10001:10001"]
    assert is_command(re.findall(r'"([^"]+)"', _instructions("CMD")[-1]))
    assert f"VERSION={VERSION}" in _instructions("ARG")


def test_the_health_check_is_where_it_is_asked_for() -> None:
    path = "/opt/order-service/healthcheck.py"
    assert f"deploy/healthcheck.py {path}" in _instructions("COPY")
    assert path in _instructions("HEALTHCHECK")[0]


class Container:
    """The /proc of a container."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder
        (folder / "self").mkdir()

    def runs(self, pid: int, command: str, *, state: str = "S", parent: int = 0) -> None:
        entry = self.proc / str(pid)
        entry.mkdir(exist_ok=True)
        (entry / "cmdline").write_bytes(b"\0".join(word.encode() for word in command.split()) + b"\0")
        (entry / "stat").write_text(f"{pid} (a ) name) {state} {parent} 1 1\n")

    def trouble(self, **environment: str) -> str | None:
        return trouble(self.proc, environment)


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_a_container_without_a_role_is_not_well(container: Container) -> None:
    container.runs(1, "sleep composition.relay")
    assert container.trouble() == "no role runs here"


@pytest.mark.parametrize("role", sorted(ROLES - {"api", "queue_page", "worker"}))
def test_a_role_is_well_while_its_process_is(container: Container, role: str) -> None:
    container.runs(1, f"/sbin/docker-init -- python -m composition.{role}")
    container.runs(7, f"python -m composition.{role}", state="R", parent=1)
    assert container.trouble() is None
    container.runs(7, f"python -m composition.{role}", state="T", parent=1)
    assert container.trouble() == f"{role} is stopped or dead (state T)"


def test_a_worker_is_well_while_somebody_works(container: Container) -> None:
    worker = "python -m composition.worker --processes 2"
    container.runs(1, f"/sbin/docker-init -- {worker}")
    container.runs(7, worker, parent=1)
    assert container.trouble() == "worker has no process that works"
    container.runs(9, worker, parent=7)
    assert container.trouble() is None
    container.runs(9, worker, parent=7, state="Z")
    assert container.trouble() == "worker has no process that works"


@pytest.mark.parametrize(("role", "page"), [("api", "/readyz"), ("queue_page", "/livez")])
def test_a_role_that_answers_is_asked(container: Container, role: str, page: str) -> None:
    container.runs(1, f"python -m composition.{role}")
    with _answering({page: 200}) as port:
        assert container.trouble(APP_PORT=port) is None
    with _answering({page: 503}) as port:
        assert "503" in str(container.trouble(APP_PORT=port))
    assert "refused" in str(container.trouble(APP_PORT=port))


@contextmanager
def _answering(pages: Mapping[str, int]) -> Iterator[str]:
    """The port of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(pages.get(self.path, 404))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield str(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
