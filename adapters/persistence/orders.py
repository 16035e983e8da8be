"""Orders: the aggregate, its row and its events."""

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, func, insert, select, update
from uuid_utils.compat import uuid7

from adapters.persistence.column_types import Xid8
from adapters.persistence.connecting import Connecting, CurrentTrace
from adapters.persistence.documents import BODY_FORMAT, event_payload, json_text, order_from, rendered_view
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.group_commit import StagedOrder
from adapters.persistence.tables import order_events, orders
from order_service.domain.errors import OrderChangedMeanwhile, OrderNotFound
from order_service.domain.lifecycle import Status
from order_service.domain.lines import fingerprint_of
from order_service.domain.order import Order
from order_service.views import RenderedOrder, view_of

# Who waits for an order's lock may get its transaction id before the one it waits for. So an event never gets an id
# lower than that of the order's event before it, else the log would turn the two around. One higher than its own
# transaction's is safe: the reader comes to it later, not sooner.
_event_before = order_events.alias("event_before")
_INSERT_EVENTS = insert(order_events).values(
    tx_id=func.greatest(
        func.pg_current_xact_id(type_=Xid8),
        select(_event_before.c.tx_id)
        .where(
            _event_before.c.aggregateid == bindparam("of_order", type_=Uuid),
            _event_before.c.seq == bindparam("loaded_version", type_=Integer),
        )
        .scalar_subquery(),
        type_=Xid8,
    )
)


class SqlOrders:
    """Stages orders, and writes them with their events when the transaction commits."""

    def __init__(self, connection: Connecting, reads: GatheredReads, current_trace: CurrentTrace) -> None:
        self._connection = connection
        self._reads = reads
        self._current_trace = current_trace
        self._inserts: list[dict[str, Any]] = []
        self._updates: list[tuple[int, dict[str, Any]]] = []
        self._events: list[dict[str, Any]] = []

    async def get(self, order_id: UUID, *, only_of: UUID | None, lock: bool = False) -> Order:
        body = await self._locked(order_id, only_of) if lock else await self._body(order_id)
        order = None if body is None else order_from(body)
        if order is None or only_of not in (None, order.customer_id):
            raise OrderNotFound
        return order

    async def _locked(self, order_id: UUID, only_of: UUID | None) -> str | None:
        query = select(orders.c.body).where(orders.c.id == order_id).with_for_update()
        if only_of is not None:
            query = query.where(orders.c.customer_id == only_of)  # nobody waits for what is not theirs
        body: str | None = await self._connection.scalar(query)
        return body

    async def _body(self, order_id: UUID) -> str | None:
        if not self._connection.is_open:
            row = await self._reads.order_row(order_id)
            return None if row is None else row["body"]
        body: str | None = await self._connection.scalar(select(orders.c.body).where(orders.c.id == order_id))
        return body

    async def claim_unpaid(self, *, pay_by_before: datetime) -> Order | None:
        body = await self._connection.scalar(
            select(orders.c.body)
            .where(orders.c.status == Status.PENDING, orders.c.pay_by <= pay_by_before)
            .order_by(orders.c.pay_by)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return None if body is None else order_from(body)

    async def reserve(self, customer_ids: Collection[UUID]) -> None:
        for customer_id in customer_ids:
            take = select(func.pg_try_advisory_xact_lock(func.hashtextextended(str(customer_id), 0)))
            if not await self._connection.scalar(take):
                raise OrderChangedMeanwhile

    def add(self, order: Order) -> RenderedOrder:
        row, sent = row_of(order)
        self._inserts.append(row)
        self._events.extend(event_rows(order, sent, trace=self._current_trace()))
        return sent

    def save(self, order: Order) -> RenderedOrder:
        row, sent = row_of(order)
        events = list(event_rows(order, sent, trace=self._current_trace()))
        if events:
            self._updates.append((order.version - len(events), row))
            self._events.extend(events)
        return sent

    @property
    def has_staged(self) -> bool:
        return bool(self._inserts or self._updates or self._events)

    def only_change(self) -> StagedOrder | None:
        """If what is staged is of one order."""
        if len(self._inserts) + len(self._updates) != 1:
            return None
        loaded_version, row = self._updates[0] if self._updates else (0, self._inserts[0])
        return StagedOrder(row, loaded_version, self._events)

    async def write_changed(self) -> None:
        for loaded_version, row in self._updates:
            unchanged = (orders.c.id == row["id"]) & (orders.c.version == loaded_version)
            written = await self._connection.execute(update(orders).where(unchanged).values(row))
            if not written.rowcount:
                raise OrderChangedMeanwhile
        self._updates.clear()

    async def write_new(self) -> None:
        if self._inserts:
            await self._connection.execute(insert(orders), self._inserts)
            self._inserts.clear()
        if self._events:
            await self._connection.execute(_INSERT_EVENTS, self._events)
            self._events.clear()


def row_of(order: Order) -> tuple[dict[str, Any], RenderedOrder]:
    """The row, and what is sent of the order. Both are of one view: it is dear to work the statuses out again."""
    view = view_of(order)
    sent = rendered_view(view)
    row = {
        "id": order.id,
        "number": order.number,
        "customer_id": order.customer_id,
        "status": view.status,
        "processing_status": view.processing_status,
        "payment_status": view.payment_status,
        "fulfillment_status": view.fulfillment_status,
        "return_status": view.return_status,
        "currency": view.currency,
        "total": Decimal(view.total),
        "external_ref": order.external_ref,
        "metadata": json_text(order.metadata),
        "skus": sorted({line.sku for line in order.lines if line.sku is not None}),
        "lines_fingerprint": fingerprint_of(order.lines),
        "pay_by": order.pay_by,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
        "version": order.version,
        "body": sent.body.decode(),
        "body_format": BODY_FORMAT,
    }
    return row, sent


def event_rows(order: Order, sent: RenderedOrder, *, trace: str | None = None) -> Iterator[dict[str, Any]]:
    """Several events of one change all carry the order as it is after the whole change, and its `trace`."""
    events = order.take_events()
    headers = "{}" if trace is None else f'{{"traceparent": "{trace}"}}'
    for event in events:
        yield {
            "of_order": order.id,
            "loaded_version": order.version - len(events),
            "id": uuid7(),
            "aggregatetype": "order",
            "aggregateid": order.id,
            "seq": event.seq,
            "type": event.event.type,
            "payload": event_payload(event, sent),
            "headers": headers,
            "occurred_at": event.at,
        }
