"""From the queue to the job: what shares a message, and what shares no fate."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from uuid import UUID, uuid4

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from adapters.worker.actors import declare_actors
from adapters.worker.queue import PROCESS_ORDER, QUEUE, DramatiqJobs, make_broker, to_process
from order_service.domain.errors import DependencyUnavailable, OrderNotFound
from tests.services import RedisServer

PATIENCE_SECONDS = 15


class Desk:
    """Processes orders, and counts how often each was tried; `fails` is what happens to some of them, by turns."""

    def __init__(self) -> None:
        self.tried: Counter[UUID] = Counter()
        self.done: set[UUID] = set()
        self.fails: dict[UUID, list[Exception]] = {}
        self.meets: Callable[[], Awaitable[object]] | None = None
        self.traces: dict[UUID, str | None] = {}

    async def __call__(self, order_id: UUID, trace: str | None) -> None:
        self.traces[order_id] = trace
        self.tried[order_id] += 1
        if self.meets is not None:
            await self.meets()
        if self.fails.get(order_id):
            raise self.fails[order_id].pop(0)
        self.done.add(order_id)


async def work(broker: RedisBroker, desk: Desk, until: Callable[[], bool]) -> None:
    declare_actors(broker, process=desk)
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=50)
    worker.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not until():  # noqa: ASYNC110 - in threads of the worker's
                await asyncio.sleep(0.02)
    finally:
        await asyncio.to_thread(worker.stop)


def in_queue(broker: RedisBroker) -> int:
    return int(broker.client.hlen(f"dramatiq:{QUEUE}.msgs"))


def dead(broker: RedisBroker) -> int:
    return int(broker.client.hlen(f"dramatiq:{QUEUE}.XQ.msgs"))


async def test_orders_asked_for_at_the_same_time_share_a_message_and_are_processed_at_the_same_time(
    broker: RedisBroker,
) -> None:
    orders, desk = [uuid4() for _ in range(100)], Desk()
    await asyncio.gather(*map(DramatiqJobs(broker).enqueue_processing, orders))
    assert in_queue(broker) == 1
    all_there = asyncio.Barrier(100)
    desk.meets = all_there.wait
    await work(broker, desk, lambda: desk.done == set(orders))
    assert in_queue(broker) == 0


async def test_the_same_order_twice_is_in_a_message_once(broker: RedisBroker) -> None:
    order_id, desk = uuid4(), Desk()
    jobs = DramatiqJobs(broker)
    await asyncio.gather(*(jobs.enqueue_processing(order_id) for _ in range(3)))
    await work(broker, desk, lambda: in_queue(broker) == 0)
    assert desk.tried == {order_id: 1}


async def test_one_that_fails_is_tried_alone_until_it_is_done(broker: RedisBroker) -> None:
    orders, desk = [uuid4() for _ in range(10)], Desk()
    bad = orders[3]
    desk.fails[bad] = [DependencyUnavailable("PostgreSQL"), ValueError()]
    await asyncio.gather(*map(DramatiqJobs(broker).enqueue_processing, orders))
    await work(broker, desk, lambda: desk.done == set(orders))
    assert desk.tried == {**dict.fromkeys(orders, 1), bad: 3}
    assert dead(broker) == 0


async def test_one_that_is_not_there_is_a_dead_letter_and_none_of_its_neighbours_is(broker: RedisBroker) -> None:
    orders, desk = [uuid4() for _ in range(10)], Desk()
    desk.fails[orders[0]] = [OrderNotFound(), OrderNotFound()]
    await asyncio.gather(*map(DramatiqJobs(broker).enqueue_processing, orders))
    await work(broker, desk, lambda: dead(broker) == 1)
    assert desk.tried == {**dict.fromkeys(orders, 1), orders[0]: 2}
    assert desk.done == set(orders[1:])


async def test_each_order_is_processed_in_the_trace_of_who_asked_for_it_the_one_that_fails_too(
    broker: RedisBroker,
) -> None:
    orders, desk = [uuid4() for _ in range(3)], Desk()
    traces = dict(zip(orders, ("one", "two", None), strict=True))
    desk.fails[orders[1]] = [DependencyUnavailable("PostgreSQL"), ValueError()]
    current: ContextVar[str | None] = ContextVar("current")
    jobs = DramatiqJobs(broker, current_trace=current.get)

    async def ask(order_id: UUID) -> None:
        current.set(traces[order_id])
        await jobs.enqueue_processing(order_id)

    await asyncio.gather(*map(ask, orders))
    assert in_queue(broker) == 1
    await work(broker, desk, lambda: desk.done == set(orders))
    assert desk.tried[orders[1]] == 3
    assert desk.traces == traces


async def test_a_message_of_a_former_release_names_one_order(broker: RedisBroker) -> None:
    order_id, desk = uuid4(), Desk()
    former = to_process([]).copy(args=(str(order_id),))
    assert former.actor_name == PROCESS_ORDER
    broker.enqueue(former)
    await work(broker, desk, lambda: desk.done == {order_id})


async def test_what_a_worker_did_not_finish_comes_again(broker: RedisBroker, server: RedisServer) -> None:
    orders, desk = [uuid4() for _ in range(3)], Desk()
    await asyncio.gather(*map(DramatiqJobs(broker).enqueue_processing, orders))
    dies = make_broker(server.url)
    assert next(dies.consume(QUEUE, prefetch=2, timeout=50)) is not None  # and is never heard of again
    dies.client.close()
    broker.maintenance_chance = 1_000_000
    broker.heartbeat_timeout = 100
    await work(broker, desk, lambda: desk.done == set(orders))


async def test_without_redis_nobody_is_told_that_it_is_queued(tmp_path: Path) -> None:
    jobs = DramatiqJobs(make_broker(f"unix://{tmp_path}/none"))
    outcomes = await asyncio.gather(*(jobs.enqueue_processing(uuid4()) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DependencyUnavailable] * 3
