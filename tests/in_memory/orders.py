"""Orders and their log, in memory."""

import asyncio
from collections.abc import Collection, Sequence
from copy import deepcopy
from datetime import datetime
from uuid import UUID

from adapters.persistence.documents import event_payload, rendered
from order_service.domain.errors import ExternalRefTaken, OrderChangedMeanwhile, OrderNotFound, OrderNumberTaken
from order_service.domain.events import Event
from order_service.domain.lifecycle import Status
from order_service.domain.order import Order
from order_service.domain.recorded import Recorded
from order_service.ports import LoggedEvent, LogPosition
from order_service.views import RenderedOrder
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemoryOrders:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.flushed: Committed | None = None
        self._staged: list[tuple[Order, Sequence[Recorded[Event]]]] = []
        self._held: dict[UUID, asyncio.Lock] = {}

    async def get(self, order_id: UUID, *, only_of: UUID | None, lock: bool = False) -> Order:
        await others_run()
        self._find(order_id, only_of)
        if lock:
            await self._hold(order_id)
        return deepcopy(self._find(order_id, only_of))

    async def claim_unpaid(self, *, pay_by_before: datetime) -> Order | None:
        await others_run()
        unpaid = [order for order in self._store.committed.orders.values() if order.status is Status.PENDING]
        for order in sorted(unpaid, key=lambda order: order.pay_by):
            if order.pay_by <= pay_by_before and not self._store.changing[order.id].locked():
                await self._hold(order.id)
                return deepcopy(order)
        return None

    async def reserve(self, customer_ids: Collection[UUID]) -> None:
        await others_run()
        for customer_id in customer_ids:
            if customer_id not in self._held:
                if self._store.changing[customer_id].locked():
                    raise OrderChangedMeanwhile
                await self._hold(customer_id)

    def add(self, order: Order) -> RenderedOrder:
        return self._stage(order)

    def save(self, order: Order) -> RenderedOrder:
        return self._stage(order)

    async def hold_changed(self) -> None:
        for order, _ in self._staged:
            await self._hold(order.id)

    def write(self, draft: Committed) -> None:
        self._store.transactions += 1
        for order, events in self._staged:
            known = draft.orders.get(order.id)
            if (0 if known is None else known.version) != order.version - len(events):
                raise OrderChangedMeanwhile
            others = [other for other in draft.orders.values() if other is not known]
            if any(other.number == order.number for other in others):
                raise OrderNumberTaken
            if order.external_ref is not None and any(
                (other.customer_id, other.external_ref) == (order.customer_id, order.external_ref) for other in others
            ):
                raise ExternalRefTaken
            draft.orders[order.id] = order
            for event in events:
                draft.events.append(
                    LoggedEvent(
                        at=LogPosition(self._store.transactions, len(draft.events) + 1),
                        id=self._store.event_ids.new(),
                        order_id=order.id,
                        seq=event.seq,
                        type=event.event.type,
                        payload=event_payload(event, rendered(order)).encode(),
                        occurred_at=event.at,
                    )
                )

    def let_go(self) -> None:
        while self._held:
            self._held.popitem()[1].release()

    def _find(self, order_id: UUID, only_of: UUID | None) -> Order:
        order = (self.flushed or self._store.committed).orders.get(order_id)
        if order is None or only_of not in (None, order.customer_id):
            raise OrderNotFound
        return order

    async def _hold(self, order_id: UUID) -> None:
        if order_id not in self._held:
            lock = self._store.changing[order_id]
            await lock.acquire()
            self._held[order_id] = lock

    def _stage(self, order: Order) -> RenderedOrder:
        events = order.take_events()
        if events:
            self._staged.append((deepcopy(order), events))
        return rendered(order)
