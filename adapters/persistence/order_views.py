"""Reading orders: each question is one SELECT, straight to what is sent."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.column_types import JsonText
from adapters.persistence.connecting import Around
from adapters.persistence.documents import EventPayload, rendered_from, rendered_row
from adapters.persistence.driver import driver
from adapters.persistence.failures import in_domain_words
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.order_pages import page_query
from adapters.persistence.tables import order_events, orders
from order_service.domain.errors import OrderNotFound
from order_service.domain.lifecycle import ProcessingStatus
from order_service.domain.lines import fingerprint_of
from order_service.domain.order import Order
from order_service.ports import OrderFilter, OrderPage, PageStart
from order_service.views import EventView, RenderedOrder

_payload_decoder = msgspec.json.Decoder(EventPayload)


class SqlOrderViews:
    def __init__(
        self, engine: AsyncEngine, reads: GatheredReads | None = None, *, around: Around = nullcontext
    ) -> None:
        self._engine = engine
        self._reads = reads or GatheredReads(engine)
        self._around = around

    async def get(self, order_id: UUID) -> RenderedOrder:
        with in_domain_words():
            row = await self._reads.order_row(order_id)
        if row is None:
            raise OrderNotFound
        return rendered_row(row)

    async def id_of(self, number: str) -> UUID:
        ids = await self._ids(select(orders.c.id).where(orders.c.number == number))
        if not ids:
            raise OrderNotFound
        return ids[0]

    async def at_version(self, order_id: UUID, version: int) -> RenderedOrder:
        reached = (order_events.c.aggregateid == order_id) & (order_events.c.seq == version)
        order = func.jsonb_extract_path(order_events.c.payload, "order", type_=JsonText)
        rows = await self._rows(select(order).where(reached))
        if not rows:
            raise OrderNotFound
        return rendered_from(rows[0][0])

    async def list(
        self, wanted: OrderFilter, *, start: PageStart | None, limit: int, newest_first: bool
    ) -> OrderPage:
        query, values = page_query(wanted, start=start, limit=limit, newest_first=newest_first)
        with in_domain_words(), self._around("SELECT orders"):
            async with driver(self._engine) as connection:
                rows = await connection.fetch(query, *values)
        page = rows[:limit]
        return OrderPage(
            orders=[rendered_row(row) for row in page],
            next_start=PageStart(page[-1]["placed_at"], page[-1]["id"]) if len(rows) > limit else None,
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
        with in_domain_words(), self._around("SELECT"):
            async with self._engine.connect() as connection:
                rows: Sequence[Any] = (await connection.execute(query)).all()
                return rows


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
