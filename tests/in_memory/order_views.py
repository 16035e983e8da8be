"""What is read of orders, in memory."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from adapters.persistence.documents import EventPayload, rendered, rendered_from
from order_service.domain.errors import OrderNotFound
from order_service.domain.lifecycle import ProcessingStatus
from order_service.domain.lines import fingerprint_of
from order_service.domain.order import Order
from order_service.ports import LoggedEvent, OrderFilter, OrderPage, PageStart
from order_service.views import EventView, RenderedOrder
from tests.in_memory.store import Store
from tests.in_memory.system import others_run


class InMemoryOrderViews:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, order_id: UUID) -> RenderedOrder:
        await others_run()
        if order_id not in self._store.committed.orders:
            raise OrderNotFound
        return rendered(self._store.committed.orders[order_id])

    async def id_of(self, number: str) -> UUID:
        for order in await self._orders():
            if order.number == number:
                return order.id
        raise OrderNotFound

    async def at_version(self, order_id: UUID, version: int) -> RenderedOrder:
        await others_run()
        for event in self._store.committed.events:
            if (event.order_id, event.seq) == (order_id, version):
                return rendered_from(bytes(_payload_of(event).order))
        raise OrderNotFound

    async def list(
        self, wanted: OrderFilter, *, start: PageStart | None, limit: int, newest_first: bool
    ) -> OrderPage:
        matching = [order for order in await self._orders() if _matches(wanted, order)]
        matching.sort(key=_place_of, reverse=newest_first)
        if start is not None:
            here = (start.placed_at, start.order_id)
            matching = [o for o in matching if (_place_of(o) < here if newest_first else _place_of(o) > here)]
        page = matching[:limit]
        return OrderPage(
            orders=[rendered(order) for order in page],
            next_start=PageStart(*_place_of(page[-1])) if len(matching) > limit else None,
        )

    async def events(self, order_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        await others_run()
        log = self._store.committed.events
        return [view_of(event) for event in log if event.order_id == order_id and event.seq > after_seq][:limit]

    async def events_and_orders(
        self, order_id: UUID, *, after_seq: int, limit: int
    ) -> Sequence[tuple[EventView, RenderedOrder]]:
        await others_run()
        log = [event for event in self._store.committed.events if event.order_id == order_id]
        found = [event for event in log if event.seq > after_seq][:limit]
        return [(view_of(event), rendered_from(bytes(_payload_of(event).order))) for event in found]

    async def count_placed(self, customer_id: UUID, *, since: datetime, before: datetime, at_most: int) -> int:
        orders = await self._orders()
        return min(at_most, sum(o.customer_id == customer_id and since <= o.placed_at < before for o in orders))

    async def placed_same_lines(self, order: Order, *, since: datetime) -> bool:
        lines = fingerprint_of(order.lines)
        return any(
            other.customer_id == order.customer_id
            and since <= other.placed_at < order.placed_at
            and fingerprint_of(other.lines) == lines
            for other in await self._orders()
        )

    async def stalled(self, *, queued_before: datetime, limit: int) -> Sequence[UUID]:
        queued = [o for o in await self._orders() if o.processing_status is ProcessingStatus.QUEUED]
        queued.sort(key=lambda order: order.placed_at)
        return [order.id for order in queued if order.placed_at <= queued_before][:limit]

    async def _orders(self) -> Sequence[Order]:
        await others_run()
        return tuple(self._store.committed.orders.values())


def _matches(wanted: OrderFilter, order: Order) -> bool:
    total = Decimal(str(order.total))
    equal = (
        "customer_id",
        "status",
        "processing_status",
        "payment_status",
        "fulfillment_status",
        "return_status",
        "number",
        "external_ref",
    )
    return (
        all(getattr(wanted, name) in (None, getattr(order, name)) for name in equal)
        and (wanted.placed_from is None or wanted.placed_from <= order.placed_at)
        and (wanted.placed_to is None or order.placed_at <= wanted.placed_to)
        and (wanted.total_min is None or wanted.total_min <= total)
        and (wanted.total_max is None or total <= wanted.total_max)
        and wanted.sku in (None, *(line.sku for line in order.lines))
        and wanted.metadata.items() <= order.metadata.items()
    )


def _place_of(order: Order) -> tuple[datetime, UUID]:
    return order.placed_at, order.id


def _payload_of(event: LoggedEvent) -> EventPayload:
    return msgspec.json.decode(event.payload, type=EventPayload)


def view_of(event: LoggedEvent) -> EventView:
    payload = _payload_of(event)
    return EventView(
        id=event.id,
        seq=event.seq,
        type=event.type,
        occurred_at=event.occurred_at,
        actor=payload.actor,
        change=payload.change,
    )


class DictOrderCache:
    def __init__(self) -> None:
        self.remembered: dict[UUID, RenderedOrder] = {}

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        if order_id not in self.remembered:
            await self.put(await load())
        return self.remembered[order_id]

    async def put(self, order: RenderedOrder) -> None:
        known = self.remembered.get(order.order_id)
        if known is None or known.version < order.version:
            self.remembered[order.order_id] = order
