"""What a person sees of the job queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from uuid import UUID, uuid4

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import xq_name
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from adapters.worker.actors import declare_actors
from adapters.worker.queue import QUEUE, to_process
from adapters.worker.queue_page import QueuePage, rendered
from adapters.worker.queue_state import Failed, QueueState, queue_state
from order_service.domain.errors import OrderNotFound
from tests.services import RedisServer

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMPTY = QueueState(queue=QUEUE, waiting=0, delayed=0, failed=0, processes=(), last_failed=())


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(server.url) as client:
        yield client


@pytest.mark.usefixtures("broker")
def test_an_empty_redis_is_an_empty_queue(redis: Redis) -> None:
    assert queue_state(redis, QUEUE, harmless=str) == EMPTY


def test_what_waits_and_what_comes_later_is_counted(broker: RedisBroker, redis: Redis) -> None:
    for delay in (None, None, 60_000):
        broker.enqueue(to_process([str(uuid4())]), delay=delay)
    state = queue_state(redis, QUEUE, harmless=str)
    assert (state.waiting, state.delayed, state.failed) == (2, 1, 0)
    assert [each.id for each in state.processes] == [broker.broker_id]


def test_what_was_taken_is_counted_with_who_took_it(broker: RedisBroker, redis: Redis) -> None:
    broker.enqueue(to_process([str(uuid4())]))
    consumer = broker.consume(QUEUE, prefetch=1, timeout=5_000)
    assert next(consumer) is not None
    state = queue_state(redis, QUEUE, harmless=str)
    assert state.waiting == 0
    assert [(each.id, each.messages) for each in state.processes] == [(broker.broker_id, 1)]


def test_what_failed_for_good_is_shown_with_why_the_try_before_did(broker: RedisBroker, redis: Redis) -> None:
    order_id = str(uuid4())
    tried_before = {"max_retries": 0, "traceback": "Traceback (most recent call last):\nRuntimeError: of ann"}
    _fail(broker, to_process([order_id]).copy(options=tried_before), RuntimeError())
    state = queue_state(redis, QUEUE, harmless=lambda text: text.replace("ann", "..."))
    assert state.failed == redis.zcard(f"dramatiq:{xq_name(QUEUE)}") == 1
    (failed,) = state.last_failed
    assert failed.arguments == f'[["{order_id}"]]'
    assert failed.reason == "RuntimeError: of ..."


def test_what_was_given_up_at_once_is_shown_as_such(broker: RedisBroker, redis: Redis) -> None:
    _fail(broker, to_process([str(uuid4())]), OrderNotFound())
    state = queue_state(redis, QUEUE, harmless=str)
    assert state.failed == 1
    assert "given up at once" in rendered(state)


def _fail(broker: RedisBroker, message: dramatiq.Message[None], error: Exception) -> None:
    async def refuse(_: UUID) -> None:
        raise error

    declare_actors(broker, process=refuse)
    broker.enqueue(message)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        broker.join(QUEUE, timeout=15_000)
        worker.join()
    finally:
        worker.stop()


def test_nothing_that_is_shown_becomes_part_of_the_page() -> None:
    failed = Failed(id="1", at=NOW, actor="process_order", arguments="[]", reason="<script>alert(1)</script>")
    page = rendered(QueueState(QUEUE, 1, 2, 3, (), (failed,)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<td>orders</td><td>1</td><td>2</td><td>3</td>" in page


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [("/", 200, "<h1>Job queue"), ("/livez", 200, "ok"), ("/state.json", 200, '"waiting":0'), ("/x", 404, "Only")],
)
def test_the_page_answers(path: str, status: int, told: str) -> None:
    with _served(QueuePage(("127.0.0.1", 0), lambda: EMPTY)) as port:
        assert _get(port, path)[0] == status
        assert told in _get(port, path)[1]


def test_a_redis_that_is_away_is_told() -> None:
    def read() -> QueueState:
        raise RedisGone

    with _served(QueuePage(("127.0.0.1", 0), read)) as port:
        assert _get(port, "/state.json") == (503, "Redis does not answer.\n")


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
