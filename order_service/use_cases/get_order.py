"""Read an order."""

from uuid import UUID

from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import OrderNotFound
from order_service.ports import OrderCache, OrderViews
from order_service.views import RenderedOrder


class GetOrder:
    """Its customer, staff, or a service.

    Raises InsufficientScope, and OrderNotFound, also for somebody else's order.
    """

    def __init__(self, views: OrderViews, cache: OrderCache) -> None:
        self._views = views
        self._cache = cache

    async def __call__(self, order_id: UUID, *, by: Actor) -> RenderedOrder:
        by.require(Scope.ORDERS_READ)
        order = await self._cache.get(order_id, lambda: self._views.get(order_id))
        if by.only_own not in (None, order.customer_id):
            raise OrderNotFound
        return order
