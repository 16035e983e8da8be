"""Hear what happened to an order, and do what follows from it."""

from uuid import UUID

from order_service.domain.events import OrderEdited, OrderPlaced
from order_service.ports import JobQueue, OrderCache, OrderViews

TO_SCREEN = frozenset({OrderPlaced.type, OrderEdited.type})
"""The events after which an order waits for screening."""


class FollowOrder:
    """The service itself, for every event it told: the cache learns of the order as it is by now, and what is new or
    edited is queued for screening. Raises OrderNotFound.

    May hear the same event any number of times: a job for an order that is screened already finds nothing to do.
    """

    def __init__(self, jobs: JobQueue, cache: OrderCache, views: OrderViews) -> None:
        self._jobs = jobs
        self._cache = cache
        self._views = views

    async def __call__(self, event_type: str, order_id: UUID) -> None:
        await self._cache.put(await self._views.get(order_id))
        if event_type in TO_SCREEN:
            await self._jobs.enqueue_processing(order_id)
