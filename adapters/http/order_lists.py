"""Orders and their history over HTTP, page by page."""

from collections.abc import Mapping
from inspect import getdoc
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from adapters.http.cursors import Cursors
from adapters.http.problems import LIMITED, TOKEN, answers
from order_service.domain.actor import Actor
from order_service.domain.lifecycle import Status
from order_service.ports import OrderFilter
from order_service.use_cases.list_order_events import ListOrderEvents, ListOrderEventsQuery
from order_service.use_cases.list_orders import ListOrders, ListOrdersQuery
from order_service.views import EventView, OrderView

By = NamedDependency[Actor]
Cursor = Annotated[str | None, QueryParameter(description="next_cursor of the page before.", max_length=500)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


class OrderListOut(msgspec.Struct):
    items: list[OrderView]
    next_cursor: str | None


class EventListOut(msgspec.Struct):
    items: list[EventView]
    next_cursor: str | None


@get(
    "/",
    operation_id="list_orders",
    summary="List orders",
    description=getdoc(ListOrders),
    responses=answers({200: OrderListOut}, *LIMITED, *TOKEN),
)
async def list_all(
    by: By,
    list_orders: NamedDependency[ListOrders],
    cursors: NamedDependency[Cursors],
    cursor: Cursor = None,
    limit: Limit = 20,
    status: Annotated[Status | None, QueryParameter()] = None,
    customer_id: Annotated[UUID | None, QueryParameter(description="For staff: one customer's orders.")] = None,
    sort: Annotated[
        Literal["placed_at", "-placed_at"], QueryParameter(description="- is newest first.")
    ] = "-placed_at",
) -> Response[bytes]:
    made_for = ("orders", by.id, status, customer_id, sort)
    page = await list_orders(
        ListOrdersQuery(
            by=by,
            wanted=OrderFilter(customer_id=customer_id, status=status),
            start=None if cursor is None else cursors.read(cursor, made_for=made_for),
            limit=limit,
            newest_first=sort == "-placed_at",
        )
    )
    next_cursor = None if page.next_start is None else cursors.write(page.next_start, made_for=made_for)
    # The orders are JSON already: what is left is to put them between brackets.
    items = b",".join(order.body for order in page.orders)
    body = b'{"items":[%b],"next_cursor":%b}' % (items, msgspec.json.encode(next_cursor))
    given = {"status": status, "customer_id": customer_id, "sort": sort, "limit": limit}
    return Response(
        body, media_type="application/json", headers=_next_page("/api/v1/orders", given, cursor=next_cursor)
    )


@get(
    "/{order_id:uuid}/events",
    operation_id="list_order_events",
    summary="Read an order's history",
    description=getdoc(ListOrderEvents),
    responses=answers({200: EventListOut}, *LIMITED, *TOKEN, 404),
)
async def history(
    order_id: FromPath[UUID],
    by: By,
    list_order_events: NamedDependency[ListOrderEvents],
    after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="The seq to begin behind.")] = 0,
    limit: Limit = 100,
) -> Response[EventListOut]:
    query = ListOrderEventsQuery(by=by, order_id=order_id, after_seq=after, limit=limit + 1)
    events = await list_order_events(query)
    items = list(events[:limit])
    next_cursor = str(items[-1].seq) if len(events) > limit else None
    link = _next_page(f"/api/v1/orders/{order_id}/events", {"limit": limit}, after=next_cursor)
    return Response(EventListOut(items=items, next_cursor=next_cursor), headers=link)


def _next_page(path: str, given: Mapping[str, object], **place: str | None) -> dict[str, str]:
    """A Link header to the next page, if there is one: the same question, from another place."""
    if None in place.values():
        return {}
    query = urlencode({name: value for name, value in {**given, **place}.items() if value is not None})
    return {"Link": f'<{path}?{query}>; rel="next"'}


ROUTES = [list_all, history]
