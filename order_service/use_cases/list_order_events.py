"""Read an order's history."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.ports import OrderViews
from order_service.use_cases.get_order import GetOrder
from order_service.views import EventView


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrderEventsQuery:
    by: Actor
    order_id: UUID
    after_seq: int = 0
    limit: int = 100


class ListOrderEvents:
    """Whoever may read the order: who did what, and when. Raises InsufficientScope, OrderNotFound."""

    def __init__(self, views: OrderViews, get_order: GetOrder) -> None:
        self._views = views
        self._get_order = get_order

    async def __call__(self, query: ListOrderEventsQuery) -> Sequence[EventView]:
        await self._get_order(query.order_id, by=query.by)
        return await self._views.events(query.order_id, after_seq=query.after_seq, limit=query.limit)
