"""What a person sees of the job queue."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection, RemoteDisconnected

import pytest

from adapters.worker.queue_page import QueuePage, rendered
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import DeadJob, JobsState

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMPTY = JobsState(waiting=0, delayed=0, running=0, dead=0, processes=(), newest_dead=())


def test_nothing_that_is_shown_becomes_part_of_the_page() -> None:
    dead = DeadJob(id="1", order_ids=(), died_at=NOW, reason="<script>alert(1)</script>")
    page = rendered(replace(EMPTY, waiting=1, delayed=2, running=3, dead=4, newest_dead=(dead,)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<td>orders</td><td>1</td><td>2</td><td>3</td><td>4</td>" in page


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [("/", 200, "<h1>Job queue"), ("/livez", 200, "ok"), ("/state.json", 200, '"waiting":0'), ("/x", 404, "Only")],
)
def test_the_page_answers(path: str, status: int, told: str) -> None:
    with _served(QueuePage(("127.0.0.1", 0), lambda: EMPTY)) as port:
        assert _get(port, path)[0] == status
        assert told in _get(port, path)[1]


def test_a_redis_that_is_away_is_told() -> None:
    def read() -> JobsState:
        raise DependencyUnavailable("Redis")

    with _served(QueuePage(("127.0.0.1", 0), read)) as port:
        assert _get(port, "/state.json") == (503, "Redis does not answer.\n")


def test_what_goes_wrong_is_told_in_the_log_alone(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def read() -> JobsState:
        raise ValueError

    with _served(QueuePage(("127.0.0.1", 0), read)) as port, pytest.raises(RemoteDisconnected):
        _get(port, "/")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert capfd.readouterr().err == ""


def test_nothing_can_be_done_with_it() -> None:
    with _served(QueuePage(("127.0.0.1", 0), lambda: EMPTY)) as port:
        assert _get(port, "/", method="POST")[0] == 501


@contextmanager
def _served(page: QueuePage) -> Iterator[int]:
    """Its port."""
    thread = threading.Thread(target=page.serve_forever, kwargs={"poll_interval": 0.01})
    with page:
        thread.start()
        try:
            yield int(page.server_address[1])
        finally:
            page.shutdown()
            thread.join()


def _get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
