"""The jobs themselves, as thin as routes."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from adapters.worker.queue import PROCESS_ORDER, QUEUE
from order_service.domain.errors import OrderNotFound


def declare_actors(broker: RedisBroker, *, process: Callable[[UUID], Awaitable[None]]) -> None:
    """A job that fails is tried ten times over some minutes; then, or at once if there is no such order, it becomes a
    dead letter. The search for stalled orders asks for it again in any case.
    """

    @dramatiq.actor(
        broker=broker,
        actor_name=PROCESS_ORDER,
        queue_name=QUEUE,
        max_retries=10,
        min_backoff=1_000,
        max_backoff=60_000,
        time_limit=30_000,
        throws=(OrderNotFound,),
    )
    async def process_order(order_id: str) -> None:
        await process(UUID(order_id))
