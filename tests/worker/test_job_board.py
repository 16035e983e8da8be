"""What is known of the job queue, and what can be done with a dead job."""

import asyncio
from uuid import UUID, uuid4

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from adapters.worker.actors import declare_actors
from adapters.worker.job_board import DramatiqJobBoard
from adapters.worker.queue import QUEUE, make_broker, to_process
from order_service.domain.errors import DependencyUnavailable, JobNotFound, OrderNotFound
from order_service.ports import JobsState
from tests.services.server import free_port


@pytest.fixture
def board(broker: RedisBroker) -> DramatiqJobBoard:
    return DramatiqJobBoard(broker, harmless=lambda text: text.replace("ann", "..."))


async def test_an_empty_redis_is_an_empty_queue(board: DramatiqJobBoard) -> None:
    assert await board.state() == JobsState(waiting=0, delayed=0, running=0, dead=0, processes=(), newest_dead=())


async def test_what_waits_and_what_comes_later_is_counted(board: DramatiqJobBoard, broker: RedisBroker) -> None:
    for delay in (None, None, 60_000):
        broker.enqueue(to_process([str(uuid4())]), delay=delay)
    state = await board.state()
    assert (state.waiting, state.delayed, state.running, state.dead) == (2, 1, 0, 0)
    assert [each.id for each in state.processes] == [broker.broker_id]


async def test_what_was_taken_is_counted_with_who_took_it(board: DramatiqJobBoard, broker: RedisBroker) -> None:
    broker.enqueue(to_process([str(uuid4())]))
    consumer = broker.consume(QUEUE, prefetch=1, timeout=5_000)
    assert next(consumer) is not None
    state = await board.state()
    assert (state.waiting, state.running) == (0, 1)
    assert [(each.id, each.taken) for each in state.processes] == [(broker.broker_id, 1)]


async def test_a_dead_job_says_why_it_failed_before_it_died(board: DramatiqJobBoard, broker: RedisBroker) -> None:
    order_id = uuid4()
    tried_before = {"max_retries": 0, "traceback": "Traceback (most recent call last):\nRuntimeError: of ann"}
    message = to_process([str(order_id)]).copy(options=tried_before)
    await asyncio.to_thread(_fail, broker, message, RuntimeError())
    state = await board.state()
    assert state.dead == 1
    assert [(job.order_ids, job.reason) for job in state.newest_dead] == [((order_id,), "RuntimeError: of ...")]


async def test_what_was_given_up_at_once_says_so(board: DramatiqJobBoard, broker: RedisBroker) -> None:
    await asyncio.to_thread(_fail, broker, to_process([str(uuid4())]), OrderNotFound())
    assert [job.reason for job in (await board.state()).newest_dead] == ["given up at once"]


async def test_a_dead_job_is_done_once_more_however_many_ask(board: DramatiqJobBoard, broker: RedisBroker) -> None:
    order_id = uuid4()
    await asyncio.to_thread(_fail, broker, to_process([str(order_id)]), OrderNotFound())
    [dead] = (await board.state()).newest_dead
    outcomes = await asyncio.gather(*(board.retry(dead.id) for _ in range(5)), return_exceptions=True)
    assert [outcome for outcome in outcomes if not isinstance(outcome, JobNotFound)] == [dead]
    state = await board.state()
    assert (state.waiting, state.dead, state.newest_dead) == (1, 0, ())
    taken = next(broker.consume(QUEUE, prefetch=1, timeout=5_000))
    assert taken is not None
    assert taken.args == ([str(order_id)],)
    assert "traceback" not in taken.options


OURS = to_process([str(uuid4())])
STRANGE = {
    "no JSON": b"{",
    "no text": b"\xff",
    "no message": b"[]",
    "nested without end": b"[" * 100_000,
    "of another actor": OURS.copy(actor_name="send_mail").encode(),
    "of no orders": OURS.copy(args=(["K7Q2"],)).encode(),
    "of nothing": OURS.copy(args=()).encode(),
    "of half a character": OURS.copy(args=(["\ud800"],)).encode(),
    "with options that are none": OURS.encode().replace(b'"options":{}', b'"options":[]'),
}


@pytest.mark.parametrize("message", STRANGE.values(), ids=STRANGE.keys())
async def test_what_others_put_into_the_queue_is_seen_and_not_retried(
    board: DramatiqJobBoard, broker: RedisBroker, message: bytes
) -> None:
    await asyncio.to_thread(_fail, broker, to_process([str(uuid4())]), OrderNotFound())
    for name in (b"theirs", b"\xff"):
        broker.client.zadd("dramatiq:orders.XQ", {name: 1})
        broker.client.hset("dramatiq:orders.XQ.msgs", name, message)
    state = await board.state()
    assert (state.dead, [len(job.order_ids) for job in state.newest_dead]) == (3, [1, 0, 0])
    assert {job.reason for job in state.newest_dead[1:]} == {"no job of this service"}
    with pytest.raises(JobNotFound):
        await board.retry("theirs")
    assert (await board.state()).dead == 3


async def test_a_job_that_is_not_dead_cannot_be_retried(board: DramatiqJobBoard) -> None:
    with pytest.raises(JobNotFound):
        await board.retry(uuid4().hex)


async def test_without_redis_nothing_is_known() -> None:
    gone = DramatiqJobBoard(make_broker(f"redis://127.0.0.1:{free_port()}"), harmless=str)
    with pytest.raises(DependencyUnavailable):
        await gone.state()


def _fail(broker: RedisBroker, message: dramatiq.Message[None], error: Exception) -> None:
    async def refuse(_: UUID, __: str | None) -> None:
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
