"""Events over HTTP: an order's history, the same as it happens, and the whole log."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from inspect import getdoc
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter, SkipValidation
from litestar.response import Stream
from msgspec import Meta

from adapters.http.auth import is_over
from adapters.http.cursors import Cursors
from adapters.http.order_answers import By
from adapters.http.pages import Limit, next_page
from adapters.http.problems import LIMITED, TOKEN, answers
from order_service.domain.actor import Bearer
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import EndedSessions, LogPlace
from order_service.use_cases.list_order_events import ListOrderEvents, ListOrderEventsQuery
from order_service.use_cases.read_event_log import ReadEventLog, ReadEventLogQuery
from order_service.use_cases.stream_order_events import StreamOrderEvents
from order_service.views import EventView

_HEARTBEAT_SECONDS = 15.0
"""Shorter than proxies wait before they take a silent connection for a dead one."""

_HOW = """Each event has its seq as `id`, its type as `event`, and its entry of the history, JSON, as `data`.
A comment every 15 seconds says that the stream is alive. It ends with the connection, when the access token holds no
longer, or when the client is too slow; who comes again sends `Last-Event-ID`, which counts more than `after`."""

After = Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="The seq to begin behind.")]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="Where a stream that broke off goes on: a seq.",
        schema_extra={"pattern": "^[0-9]{1,9}$"},
    ),
]


class EventListOut(msgspec.Struct):
    items: list[EventView]
    next_cursor: str | None


class StreamedEvent(msgspec.Struct):
    """`data` is the JSON of an entry of the history."""

    id: str
    event: str
    data: str


class LoggedEventOut(msgspec.Struct):
    """`data` is the value of the event's message on Kafka: order, change, seq, actor; without personal data."""

    id: UUID
    type: str
    order_id: UUID
    seq: int
    occurred_at: datetime
    data: Annotated[msgspec.Raw, Meta(extra_json_schema={"extra": {"type": "object"}})]


class EventLogOut(msgspec.Struct):
    """`next_cursor` is always there: behind the last page it is where to ask again later. `is_last`: it was that."""

    items: list[LoggedEventOut]
    next_cursor: str
    is_last: bool


def history_page(path: str, events: Sequence[EventView], limit: int) -> Response[EventListOut]:
    """`events` may be one more than `limit`, which says that there is a next page."""
    items = list(events[:limit])
    # Plain, as it is to be sent back: the seq that the next page begins behind.
    next_cursor = str(items[-1].seq) if len(events) > limit else None
    link = next_page(path, {"limit": limit}, after=next_cursor)
    return Response(EventListOut(items=items, next_cursor=next_cursor), headers=link)


@get(
    "/{order_id:uuid}/events",
    operation_id="list_order_events",
    summary="Read an order's history",
    description=getdoc(ListOrderEvents),
    responses=answers({200: EventListOut}, *LIMITED, *TOKEN, 403, 404),
)
async def history(
    order_id: FromPath[UUID],
    by: By,
    list_order_events: NamedDependency[ListOrderEvents],
    after: After = 0,
    limit: Limit = 100,
) -> Response[EventListOut]:
    query = ListOrderEventsQuery(by=by, order_id=order_id, after_seq=after, limit=limit + 1)
    return history_page(f"/api/v1/orders/{order_id}/events", await list_order_events(query), limit)


@get(
    "/{order_id:uuid}/events/stream",
    operation_id="stream_order_events",
    summary="Hear of an order's events as they happen",
    description=f"{getdoc(StreamOrderEvents)}\n\n{_HOW}",
    responses={
        200: ResponseSpec(StreamedEvent, generate_examples=False, media_type="text/event-stream", description="OK"),
        **answers({}, *LIMITED, *TOKEN, 403, 404),
    },
)
async def stream(
    order_id: FromPath[UUID],
    bearer: NamedDependency[Bearer],
    stream_order_events: NamedDependency[StreamOrderEvents],
    ended_sessions: NamedDependency[SkipValidation[EndedSessions]],
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Stream:
    events = await stream_order_events(order_id, by=bearer.actor, after_seq=_seq(last_event_id, after))
    return Stream(
        _as_text(events, until=bearer.expires_at, has_ended=partial(is_over, bearer, ended_sessions)),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@get(
    "/",
    operation_id="read_event_log",
    summary="Read the whole event log",
    description=getdoc(ReadEventLog),
    responses=answers({200: EventLogOut}, *LIMITED, *TOKEN, 403, 410),
)
async def read_log(
    by: By,
    read_event_log: NamedDependency[ReadEventLog],
    cursors: NamedDependency[Cursors],
    after: Annotated[
        str | None, QueryParameter(description="next_cursor of the page before.", max_length=500)
    ] = None,
    types: Annotated[str, QueryParameter(description="order.paid,order.canceled: only these.", max_length=500)] = "",
    limit: Limit = 100,
) -> Response[EventLogOut]:
    page = await read_event_log(
        ReadEventLogQuery(
            by=by,
            start=None if after is None else cursors.read(after, LogPlace, made_for="the event log"),
            types={name.strip() for name in types.split(",") if name.strip()},
            limit=limit,
        )
    )
    next_cursor = cursors.write(page.next_start, made_for="the event log")
    items = [
        LoggedEventOut(
            id=event.id,
            type=event.type,
            order_id=event.order_id,
            seq=event.seq,
            occurred_at=event.occurred_at,
            data=msgspec.Raw(event.payload),
        )
        for event in page.events
    ]
    link = next_page("/api/v1/events", {"types": types, "limit": limit}, after=next_cursor)
    return Response(EventLogOut(items=items, next_cursor=next_cursor, is_last=page.is_last), headers=link)


async def _as_text(
    events: AsyncGenerator[EventView, None], *, until: datetime, has_ended: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """With a comment now and then, so that whoever carries the stream does not take it for dead.

    `has_ended`: the session is over, as at another role; then no event is told any more.
    """
    yield b"retry: 1000\n\n"
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            left = (until - datetime.now(UTC)).total_seconds()
            await asyncio.wait({coming}, timeout=min(_HEARTBEAT_SECONDS, max(left, 0)))
            if has_ended() or left <= 0 or (not coming.done() and left < _HEARTBEAT_SECONDS):
                return  # the token holds no longer
            if not coming.done():
                yield b": still here\n\n"
                continue
            try:
                event = coming.result()
            except DependencyUnavailable:  # too late for a status; who comes again goes on where this ends
                return
            if event is None:
                return
            coming = asyncio.ensure_future(anext(events, None))
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.type.encode(), msgspec.json.encode(event))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await events.aclose()  # else the feed would go on for it until somebody collects the garbage


def _seq(last_event_id: str | None, after: int) -> int:
    if last_event_id is None:
        return after
    if not (last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) < 10):
        raise ClientException("Last-Event-ID must be the id of an event of this stream.")
    return int(last_event_id)


ORDER_ROUTES = [history, stream]
LOG_ROUTES = [read_log]
