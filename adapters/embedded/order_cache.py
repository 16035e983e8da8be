"""The order cache in the process itself."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from order_service.views import RenderedOrder


class InProcessOrderCache:
    """Holds the `size` orders used last. Only right for a single process: others would not hear of a new version."""

    def __init__(self, *, size: int = 10_000) -> None:
        self._size = size
        self._orders: OrderedDict[UUID, RenderedOrder] = OrderedDict()

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        known = self._orders.get(order_id)
        if known is None:
            known = self._newest(await load())
        self._orders.move_to_end(order_id)
        return known

    async def put(self, order: RenderedOrder) -> None:
        self._newest(order)

    def _newest(self, order: RenderedOrder) -> RenderedOrder:
        """What is remembered from now on: `order`, or what a faster writer has put here meanwhile."""
        known = self._orders.get(order.order_id)
        if known is None or known.version < order.version:
            known = self._orders[order.order_id] = order
            if len(self._orders) > self._size:
                self._orders.popitem(last=False)
        return known
