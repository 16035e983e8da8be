"""One order: its facts, its life as events tell it, and the same while it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from adapters.http.ops import words
from adapters.http.ops.rendering import AnyRequest, By, SomePages, unchanged
from order_service.domain.actor import Actor
from order_service.domain.lifecycle import ALLOWED, NEEDS, PARTY_OF, Operation, ProcessingStatus, Status
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.list_order_events import ListOrderEvents, ListOrderEventsQuery
from order_service.views import EventView, OrderView

_EVENTS_AT_ONCE = 50

_DONE = {
    "canceled": "The order is canceled.",
    "queued": "The order waits for screening again.",
}
"""What a page says after a form that led to it."""

Seq = Annotated[int, QueryParameter(ge=0, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and in words what it changed."""

    event: EventView
    changes: Sequence[tuple[str, list[str]]]


def read(body: bytes) -> OrderView:
    return msgspec.json.decode(body, type=OrderView)


def may_be_canceled(order: OrderView, by: Actor) -> bool:
    """As the domain will decide it: what is offered is not refused, unless it changes meanwhile."""
    return _is_open(Operation.CANCEL, order, by) and order.status is not Status.CANCELED and not order.shipments


def may_be_screened(order: OrderView, by: Actor) -> bool:
    return _is_open(Operation.PROCESS, order, by) and order.processing_status is ProcessingStatus.QUEUED


def _is_open(operation: Operation, order: OrderView, by: Actor) -> bool:
    return NEEDS[operation] in by.scopes and order.status in ALLOWED[operation].get(PARTY_OF[by.kind], ())


@get("/orders/{order_id:uuid}")
async def one_order(
    order_id: FromPath[UUID],
    request: AnyRequest,
    pages: SomePages,
    by: By,
    get_order: NamedDependency[GetOrder],
    list_order_events: NamedDependency[ListOrderEvents],
    before: Annotated[int | None, QueryParameter(ge=0, le=2**31 - 1)] = None,
    done: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Response[bytes]:
    order = read((await get_order(order_id, by=by)).body)
    history = await _history(list_order_events, order, by, before=before or order.version + 1)
    return pages.page(
        request,
        "order.html",
        **_known(order, by),
        history=history,
        before=before,
        done=_DONE.get(done),
    )


@get("/orders/{order_id:uuid}/older")
async def older_events(
    order_id: FromPath[UUID],
    request: AnyRequest,
    pages: SomePages,
    by: By,
    get_order: NamedDependency[GetOrder],
    list_order_events: NamedDependency[ListOrderEvents],
    before: Seq,
) -> Response[bytes]:
    """A part of the page: the events before that seq, behind those that are there."""
    order = read((await get_order(order_id, by=by)).body)
    history = await _history(list_order_events, order, by, before=before)
    return pages.page(request, "order_older.html", order=order, history=history)


@get("/orders/{order_id:uuid}/news")
async def news(
    order_id: FromPath[UUID],
    request: AnyRequest,
    pages: SomePages,
    by: By,
    get_order: NamedDependency[GetOrder],
    list_order_events: NamedDependency[ListOrderEvents],
    seen: Seq,
) -> Response[bytes]:
    """Asked every few seconds. An order that is as it was costs one read, which the cache has."""
    rendered = await get_order(order_id, by=by)
    if rendered.version == seen:
        return unchanged()
    order = read(rendered.body)
    query = ListOrderEventsQuery(by=by, order_id=order_id, after_seq=seen, limit=_EVENTS_AT_ONCE)
    events = [event for event in await list_order_events(query) if event.seq <= order.version]
    if seen + len(events) < order.version:  # more happened than one answer tells, or the log begins later
        return pages.page(request, "order_news.html", **_known(order, by), history=[], headers={"HX-Refresh": "true"})
    return pages.page(request, "order_news.html", **_known(order, by), history=_told(events, order))


def _known(order: OrderView, by: Actor) -> dict[str, Any]:
    return {
        "order": order,
        "names": {line.line_id: line.name for line in order.lines},
        "may_cancel": may_be_canceled(order, by),
        "may_screen": may_be_screened(order, by),
    }


async def _history(list_order_events: ListOrderEvents, order: OrderView, by: Actor, *, before: int) -> list[Told]:
    """The newest first. Events are counted without a gap, so where they begin can be reckoned."""
    after = max(0, before - 1 - _EVENTS_AT_ONCE)
    query = ListOrderEventsQuery(by=by, order_id=order.id, after_seq=after, limit=before - 1 - after)
    return _told(await list_order_events(query) if before > 1 else [], order)


def _told(events: Sequence[EventView], order: OrderView) -> list[Told]:
    return [Told(event, list(words.changes(event, order))) for event in reversed(events)]


ROUTES = [one_order, older_events, news]
