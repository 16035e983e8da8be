"""The jobs themselves, as thin as routes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

from adapters.worker.queue import PROCESS_ORDER, QUEUE, TRACES, to_process
from order_service.domain.errors import OrderNotFound

_log = logging.getLogger(__name__)

_FIRST_PAUSE_MILLISECONDS = 1_000


Process = Callable[[UUID, str | None], Awaitable[None]]
"""Given an order, and the `traceparent` of who asked for it to be processed, if they were in a trace."""


def declare_actors(broker: RedisBroker, *, process: Process) -> None:
    """A job that fails is tried ten times over some minutes; then, or at once if there is no such order, it becomes a
    dead letter. The search for stalled orders asks for it again in any case.

    The orders of one message are processed at the same time. One that fails gets a message of its own, and all this
    happens to that: its neighbours neither wait for it nor are processed again. A worker that dies leaves the message
    in the queue, and of its orders those that are processed already have nothing left to do.
    """

    @dramatiq.actor(
        broker=broker,
        actor_name=PROCESS_ORDER,
        queue_name=QUEUE,
        max_retries=10,
        min_backoff=_FIRST_PAUSE_MILLISECONDS,
        max_backoff=60_000,
        time_limit=30_000,
        throws=(OrderNotFound,),
    )
    async def process_order(order_ids: str | list[str]) -> None:
        traces = _traces()
        if isinstance(order_ids, str):
            return await process(UUID(order_ids), None)
        if len(order_ids) == 1:
            return await process(UUID(order_ids[0]), traces.get(order_ids[0]))
        each = (process(UUID(one), traces.get(one)) for one in order_ids)
        outcomes = await asyncio.gather(*each, return_exceptions=True)
        failed = [one for one, outcome in zip(order_ids, outcomes, strict=True) if outcome is not None]
        if failed:
            first = next(outcome for outcome in outcomes if outcome is not None)
            _log.warning("%d of %d orders failed", len(failed), len(order_ids), exc_info=first)
            await asyncio.to_thread(_try_alone, broker, failed, traces)
        return None


def _traces() -> Mapping[str, str]:
    """Of the message that is being worked on."""
    message = CurrentMessage.get_current_message()
    return {} if message is None else message.options.get(TRACES, {})


def _try_alone(broker: RedisBroker, order_ids: Sequence[str], traces: Mapping[str, str]) -> None:
    for order_id in order_ids:
        of_it = {order_id: traces[order_id]} if order_id in traces else {}
        broker.enqueue(to_process([order_id], of_it), delay=_FIRST_PAUSE_MILLISECONDS)
