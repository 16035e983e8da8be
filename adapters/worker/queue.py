"""The job queue: Dramatiq on Redis."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO, CurrentMessage, Retries, ShutdownNotifications, TimeLimit
from redis import Redis
from redis.exceptions import RedisError

from adapters.gathering import Gathering
from order_service.domain.errors import DependencyUnavailable

QUEUE = "orders"
PROCESS_ORDER = "process_order"
TRACES = "traces"

_HEARTBEAT_MILLISECONDS = 5_000  # a worker that is silent for longer is gone, and its messages are handed out again
_MAINTENANCE_CHANCE = 50_000  # in a million: one broker command in twenty looks for workers that are gone
_PATIENCE_SECONDS = 2
_MOST_IN_A_MESSAGE = 100


def connect(url: str) -> Redis:
    """Waits two seconds for an answer. Nothing connects before it is used."""
    return Redis.from_url(url, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS)


def make_broker(url: str) -> RedisBroker:
    """Nothing connects before it is used."""
    broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq has no annotations here
        client=connect(url),
        middleware=[TimeLimit(), ShutdownNotifications(), Retries(), CurrentMessage(), AsyncIO()],
        heartbeat_timeout=_HEARTBEAT_MILLISECONDS,
        maintenance_chance=_MAINTENANCE_CHANCE,
    )
    broker.declare_queue(QUEUE)
    return broker


def to_process(order_ids: Sequence[str], traces: Mapping[str, str] | None = None) -> dramatiq.Message[None]:
    """`traces`: for each order that it was asked for in one, its `traceparent`. A worker of a former release, which
    does not know of it, takes the message all the same.
    """
    options: dict[str, Any] = {TRACES: dict(traces)} if traces else {}
    return dramatiq.Message(
        queue_name=QUEUE, actor_name=PROCESS_ORDER, args=(list(order_ids),), kwargs={}, options=options
    )


_Asked = tuple[str, str | None]
"""An order, and the trace of who asks."""


class DramatiqJobs:
    """Puts jobs into the queue; `actors.py` is what takes them out.

    What is asked for at the same time is one message: else its way through Redis and the worker's threads costs more
    than the order it is about.
    """

    def __init__(self, broker: RedisBroker, *, current_trace: Callable[[], str | None] = lambda: None) -> None:
        self._broker = broker
        self._current_trace = current_trace
        self._enqueue: Gathering[_Asked, None] = Gathering(self._enqueued, most=_MOST_IN_A_MESSAGE, at_once=1)

    async def enqueue_processing(self, order_id: UUID) -> None:
        try:
            await self._enqueue((str(order_id), self._current_trace()))
        except (RedisError, OSError) as error:
            raise DependencyUnavailable("Redis") from error

    async def _enqueued(self, asked: Sequence[_Asked]) -> Sequence[None]:
        traces = {order_id: trace for order_id, trace in asked if trace is not None}
        message = to_process(list(dict.fromkeys(order_id for order_id, _ in asked)), traces)
        await asyncio.to_thread(self._broker.enqueue, message)
        return [None] * len(asked)
