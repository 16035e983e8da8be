"""Hear what happened to an order, and do what follows from it."""

from order_service.domain.events import OrderEdited, OrderPlaced
from order_service.ports import JobQueue, OrderCache
from order_service.views import RenderedOrder

TO_SCREEN = frozenset({OrderPlaced.type, OrderEdited.type})
"""The events after which an order waits for screening."""


class FollowOrder:
    """The service itself, for every event it told: the cache learns of it, and what is new or edited is
    queued for screening.

    May hear the same event any number of times: a job for an order that is screened already finds nothing to do.
    """

    def __init__(self, jobs: JobQueue, cache: OrderCache) -> None:
        self._jobs = jobs
        self._cache = cache

    async def __call__(self, event_type: str, order: RenderedOrder) -> None:
        await self._cache.put(order)
        if event_type in TO_SCREEN:
            await self._jobs.enqueue_processing(order.order_id)
