"""List orders, page by page."""

from dataclasses import dataclass, replace

from order_service.domain.actor import Actor, Scope
from order_service.domain.ids import read_order_number
from order_service.domain.text import checked_metadata, checked_text
from order_service.ports import OrderFilter, OrderPage, OrderViews, PageStart


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrdersQuery:
    by: Actor
    wanted: OrderFilter
    start: PageStart | None = None
    limit: int = 20
    newest_first: bool = True


class ListOrders:
    """A customer sees their own orders, whatever they ask for; staff and services see all.

    Pages are cut by place, not by number: an order that is placed meanwhile is neither skipped nor seen twice.
    Raises InsufficientScope, and InvalidField for what no order could have.
    """

    def __init__(self, views: OrderViews) -> None:
        self._views = views

    async def __call__(self, query: ListOrdersQuery) -> OrderPage:
        query.by.require(Scope.ORDERS_READ)
        wanted = _checked(query.wanted)
        if query.by.only_own is not None:
            wanted = replace(wanted, customer_id=query.by.only_own)
        return await self._views.list(wanted, start=query.start, limit=query.limit, newest_first=query.newest_first)


def _checked(wanted: OrderFilter) -> OrderFilter:
    for name, longest in (("sku", 64), ("external_ref", 100), ("number", 20)):
        if (text := getattr(wanted, name)) is not None:
            checked_text(name, text, longest=longest)
    checked_metadata(wanted.metadata)
    if wanted.number is None:
        return wanted
    return replace(wanted, number=read_order_number(wanted.number) or wanted.number)
