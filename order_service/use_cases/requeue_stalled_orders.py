"""Find orders that wait for screening too long, and ask for it again."""

import asyncio
from datetime import timedelta

from order_service.ports import Clock, JobQueue, OrderViews


class RequeueStalledOrders:
    """The service itself. The queue is a hint that may be lost; this is what makes sure of every order."""

    def __init__(self, views: OrderViews, jobs: JobQueue, clock: Clock) -> None:
        self._views = views
        self._jobs = jobs
        self._clock = clock

    async def __call__(self, *, older_than: timedelta, limit: int = 1000) -> int:
        """How many orders are QUEUED and were placed longer ago than `older_than`, the oldest `limit` of them."""
        stalled = await self._views.stalled(queued_before=self._clock.now() - older_than, limit=limit)
        await asyncio.gather(*map(self._jobs.enqueue_processing, stalled))
        return len(stalled)
