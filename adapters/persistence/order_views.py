"""Reading orders: each question is one SELECT, straight to what is sent."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.documents import EventPayload, json_text, rendered_from
from adapters.persistence.failures import in_domain_words
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.tables import JsonText, order_events, orders
from order_service.domain.errors import OrderNotFound
from order_service.domain.lifecycle import ProcessingStatus
from order_service.domain.lines import fingerprint_of
from order_service.domain.order import Order
from order_service.ports import OrderFilter, OrderPage, PageStart
from order_service.views import EventView, RenderedOrder

_payload_decoder = msgspec.json.Decoder(EventPayload)


class SqlOrderViews:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reads = GatheredReads(engine)

    async def get(self, order_id: UUID) -> RenderedOrder:
        with in_domain_words():
            body = await self._reads.order_body(order_id)
        if body is None:
            raise OrderNotFound
        return rendered_from(body)

    async def id_of(self, number: str) -> UUID:
        ids = await self._ids(select(orders.c.id).where(orders.c.number == number))
        if not ids:
            raise OrderNotFound
        return ids[0]

    async def at_version(self, order_id: UUID, version: int) -> RenderedOrder:
        reached = (order_events.c.aggregateid == order_id) & (order_events.c.seq == version)
        order = func.jsonb_extract_path(order_events.c.payload, "order", type_=JsonText)
        return _found(await self._rows(select(order).where(reached)))

    async def list(
        self, wanted: OrderFilter, *, start: PageStart | None, limit: int, newest_first: bool
    ) -> OrderPage:
        query = list_query(wanted, start=start, limit=limit, newest_first=newest_first)
        rows = await self._rows(query)
        page = rows[:limit]
        return OrderPage(
            orders=[rendered_from(row.body) for row in page],
            next_start=PageStart(page[-1].placed_at, page[-1].id) if len(rows) > limit else None,
        )

    async def events(self, order_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        return [event_view(row) for row in await self._history(order_id, after_seq, limit)]

    async def events_and_orders(
        self, order_id: UUID, *, after_seq: int, limit: int
    ) -> Sequence[tuple[EventView, RenderedOrder]]:
        rows = await self._history(order_id, after_seq, limit)
        orders = [rendered_from(bytes(_payload_decoder.decode(row.payload).order)) for row in rows]
        return list(zip(map(event_view, rows), orders, strict=True))

    async def count_placed(self, customer_id: UUID, *, since: datetime, before: datetime, at_most: int) -> int:
        with in_domain_words():
            return await self._reads.count_placed((customer_id, since, before, at_most))

    async def placed_same_lines(self, order: Order, *, since: datetime) -> bool:
        lines = fingerprint_of(order.lines)
        with in_domain_words():
            return await self._reads.placed_same_lines((order.customer_id, since, order.placed_at, lines))

    async def stalled(self, *, queued_before: datetime, limit: int) -> Sequence[UUID]:
        return await self._ids(
            select(orders.c.id)
            .where(orders.c.processing_status == ProcessingStatus.QUEUED, orders.c.placed_at <= queued_before)
            .order_by(orders.c.placed_at)
            .limit(limit)
        )

    async def _ids(self, query: Select[UUID]) -> Sequence[UUID]:
        return [row[0] for row in await self._rows(query)]

    async def _history(self, order_id: UUID, after_seq: int, limit: int) -> Sequence[Any]:
        behind = (order_events.c.aggregateid == order_id) & (order_events.c.seq > after_seq)
        return await self._rows(select(order_events).where(behind).order_by(order_events.c.seq).limit(limit))

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        with in_domain_words():
            async with self._engine.connect() as connection:
                rows: Sequence[Any] = (await connection.execute(query)).all()
                return rows


def list_query(
    wanted: OrderFilter, *, start: PageStart | None, limit: int, newest_first: bool
) -> Select[tuple[str, datetime, UUID]]:
    """A page of `limit` orders, and one too many, which says that there is a next page."""
    place = tuple_(orders.c.placed_at, orders.c.id)
    query = select(orders.c.body, orders.c.placed_at, orders.c.id)
    query = query.where(*_conditions(wanted))
    if start is not None:
        here = tuple_(start.placed_at, start.order_id)
        query = query.where(place < here if newest_first else place > here)
    order_by = (orders.c.placed_at, orders.c.id)
    query = query.order_by(*(column.desc() if newest_first else column for column in order_by))
    return query.limit(limit + 1)


def _conditions(wanted: OrderFilter) -> Iterator[ColumnElement[bool]]:
    columns = orders.c
    for name in (
        "customer_id",
        "status",
        "processing_status",
        "payment_status",
        "fulfillment_status",
        "return_status",
        "number",
        "external_ref",
    ):
        value = getattr(wanted, name)
        if value is not None:
            yield columns[name] == value
    if wanted.placed_from is not None:
        yield columns.placed_at >= wanted.placed_from
    if wanted.placed_to is not None:
        yield columns.placed_at <= wanted.placed_to
    if wanted.total_min is not None:
        yield columns.total >= wanted.total_min
    if wanted.total_max is not None:
        yield columns.total <= wanted.total_max
    if wanted.sku is not None:
        yield columns.skus.contains([wanted.sku])
    if wanted.metadata:
        yield columns.metadata.bool_op("@>")(json_text(wanted.metadata))


def _found(rows: Sequence[Any]) -> RenderedOrder:
    if not rows:
        raise OrderNotFound
    return rendered_from(rows[0][0])


def event_view(row: Any) -> EventView:
    payload = _payload_decoder.decode(row.payload)
    return EventView(
        id=row.id,
        seq=row.seq,
        type=row.type,
        occurred_at=row.occurred_at,
        actor=payload.actor,
        change=payload.change,
    )
