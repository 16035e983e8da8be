"""The image is made of what there is, and its health check tells the well from the sick."""

import re
import runpy
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.deploy.code import DEPLOY, PYPROJECT, ROOT, VERSION, is_command

DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()

trouble: Callable[[Sequence[str], Mapping[str, str]], str | None] = runpy.run_path(str(DEPLOY / "healthcheck.py"))[
    "trouble"
]


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


def test_whoever_is_well_says_so_at_the_port_of_the_metrics() -> None:
    with _answering({"/livez": 200}) as port:
        assert trouble([], {"METRICS_PORT": port}) is None
    assert "refused" in str(trouble([], {"METRICS_PORT": port}))


def test_whoever_is_not_well_is_quoted() -> None:
    with _answering({"/livez": 503}) as port:
        told = str(trouble([], {"METRICS_PORT": port}))
    assert told.startswith(f"/livez at port {port}: HTTP/1.0 503")
    assert told.endswith("it hangs")


def test_all_pages_that_are_named_are_asked() -> None:
    with _answering({"/livez": 200, "/readyz": 503}) as port:
        assert trouble([f"{port}/livez"], {}) is None
        assert "/readyz" in str(trouble([f"{port}/livez", f"{port}/readyz"], {}))


def test_without_a_port_nobody_is_called_well() -> None:
    assert trouble([], {"METRICS_PORT": ""}) == "METRICS_PORT is not set, so nobody can be asked"


def test_the_image_s_port_is_that_of_the_metrics() -> None:
    assert "METRICS_PORT=9464" in DOCKERFILE
    assert _instructions("EXPOSE") == ["8010 9464"]


@contextmanager
def _answering(pages: Mapping[str, int]) -> Iterator[str]:
    """The port of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(pages.get(self.path, 404))
            self.end_headers()
            self.wfile.write(b"it hangs")

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
