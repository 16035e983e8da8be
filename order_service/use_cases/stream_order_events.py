"""Hear of an order's events while they happen."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.ports import EventFeed, OrderViews
from order_service.use_cases.get_order import GetOrder
from order_service.views import EventView

_EVENTS_AT_ONCE = 100
_READERS_AT_ONCE = 4
"""Thousands who come back at the same moment must leave connections to those who place orders."""


class StreamOrderEvents:
    """Whoever may read the order: what happened behind the seq that is asked for, and then what happens, each once.

    Raises InsufficientScope and OrderNotFound, before there is a stream.
    """

    def __init__(self, views: OrderViews, feed: EventFeed, get_order: GetOrder) -> None:
        self._views = views
        self._feed = feed
        self._get_order = get_order
        self._may_read = asyncio.Semaphore(_READERS_AT_ONCE)

    async def __call__(self, order_id: UUID, *, by: Actor, after_seq: int) -> AsyncGenerator[EventView, None]:
        await self._get_order(order_id, by=by)
        return self._events(order_id, after_seq)

    async def _events(self, order_id: UUID, seq: int) -> AsyncGenerator[EventView, None]:
        # First the ears, then the history: what happens in between is in one of them, if not in both.
        async with self._feed.follow(order_id) as news:
            more = True
            while more:
                history = await self._history(order_id, seq)
                for event in history:
                    yield event
                    seq = event.seq
                more = len(history) == _EVENTS_AT_ONCE
            async for event in news:
                if event.seq > seq:
                    seq = event.seq
                    yield event

    async def _history(self, order_id: UUID, seq: int) -> Sequence[EventView]:
        async with self._may_read:
            return await self._views.events(order_id, after_seq=seq, limit=_EVENTS_AT_ONCE)
