"""Find an order by whatever people call it."""

from contextlib import suppress
from uuid import UUID

from order_service.domain.errors import OrderNotFound
from order_service.domain.ids import read_order_number
from order_service.ports import OrderViews


class FindOrder:
    """Anybody: the id says nothing yet. Raises OrderNotFound."""

    def __init__(self, views: OrderViews) -> None:
        self._views = views

    async def __call__(self, reference: str) -> UUID:
        """`reference` is an order's id or its number, the latter as people write it."""
        if len(reference) == 36:
            with suppress(ValueError):
                return UUID(reference)
        number = read_order_number(reference)
        if number is None:
            raise OrderNotFound
        return await self._views.id_of(number)
