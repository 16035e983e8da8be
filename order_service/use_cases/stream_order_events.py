"""Hear of an order's events while they happen."""

from collections.abc import AsyncIterator
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.ports import EventFeed, OrderViews
from order_service.use_cases.get_order import GetOrder
from order_service.views import EventView

_AT_ONCE = 100


class StreamOrderEvents:
    """Whoever may read the order: what happened behind `after_seq`, and then whatever happens, each event once.

    Raises OrderNotFound, before there is a stream.
    """

    def __init__(self, views: OrderViews, feed: EventFeed, get_order: GetOrder) -> None:
        self._views = views
        self._feed = feed
        self._get_order = get_order

    async def __call__(self, order_id: UUID, *, by: Actor, after_seq: int) -> AsyncIterator[EventView]:
        await self._get_order(order_id, by=by)
        return self._events(order_id, after_seq)

    async def _events(self, order_id: UUID, seq: int) -> AsyncIterator[EventView]:
        # First the ears, then the history: what happens in between is in one of them, if not in both.
        async with self._feed.follow(order_id) as news:
            while history := await self._views.events(order_id, after_seq=seq, limit=_AT_ONCE):
                for event in history:
                    yield event
                seq = history[-1].seq
            async for event in news:
                if event.seq > seq:
                    seq = event.seq
                    yield event
