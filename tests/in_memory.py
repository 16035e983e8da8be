"""The outside world, kept in memory: what the use cases run on in tests.

Fakes, not mocks: `tests/contracts` hold them to the same promises as the real adapters. They keep copies, so what
is not saved stays unsaved; and wherever a real adapter would wait they let others run first, so races happen too.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self
from uuid import UUID, uuid4

import msgspec

from adapters.persistence.accounts import change_of
from adapters.persistence.documents import (
    EventPayload,
    event_payload,
    redacted_payload,
    rendered,
    rendered_from,
    told,
)
from order_service.domain.account import Account
from order_service.domain.account_events import RecordedOfAccount
from order_service.domain.actor import Actor, Bearer, Role
from order_service.domain.errors import (
    AccountChangedMeanwhile,
    AccountNotFound,
    CursorExpired,
    EmailTaken,
    ExternalRefTaken,
    IdempotencyKeyTaken,
    MessageKnown,
    NotAuthenticated,
    OrderChangedMeanwhile,
    OrderNotFound,
    OrderNumberTaken,
    ServiceNameTaken,
    ServiceNotFound,
    SessionNotFound,
)
from order_service.domain.events import Recorded
from order_service.domain.ids import order_number
from order_service.domain.lifecycle import ProcessingStatus, Status
from order_service.domain.lines import fingerprint_of
from order_service.domain.order import Order
from order_service.domain.secret import SECRET_BYTES
from order_service.domain.service import Service
from order_service.domain.session import Session
from order_service.ports import (
    AccountFilter,
    AccountPage,
    AnsweredRequest,
    EventLogReader,
    LoggedEvent,
    LogPage,
    LogPlace,
    LogPosition,
    OrderFilter,
    OrderPage,
    PageStart,
    Transaction,
)
from order_service.views import ActorView, EventView, RenderedOrder


async def others_run() -> None:
    await asyncio.sleep(0)


# Time and names


class SettableClock:
    def __init__(self, at: datetime = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> datetime:
        self.at += by
        return self.at


class SequentialIds:
    """Version 7 UUIDs of one moment that count upwards; those of two `lanes` never meet."""

    def __init__(self, lane: int = 0) -> None:
        self._lane = lane
        self._given = 0

    def new(self) -> UUID:
        self._given += 1
        return UUID(int=0x019C0DE0_0000 << 80 | 7 << 76 | self._lane << 64 | 2 << 62 | self._given)

    def new_order_number(self) -> str:
        self._given += 1
        return order_number(self._given * 1_000_003)

    def new_secret(self) -> bytes:
        self._given += 1
        return self._given.to_bytes(SECRET_BYTES, "big")


# Writing


@dataclass(slots=True)
class Committed:
    """What everybody sees. A transaction writes to a copy, which takes its place only when all went well."""

    orders: dict[UUID, Order] = field(default_factory=dict)
    events: list[LoggedEvent] = field(default_factory=list)
    accounts: dict[UUID, Account] = field(default_factory=dict)
    account_events: list[tuple[UUID, EventView]] = field(default_factory=list)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    services: dict[UUID, Service] = field(default_factory=dict)
    ended_secrets: dict[UUID, datetime] = field(default_factory=dict)
    answered: dict[tuple[UUID, str], AnsweredRequest] = field(default_factory=dict)
    messages: set[tuple[str, str]] = field(default_factory=set)
    unfinished: dict[UUID, set[UUID]] = field(default_factory=dict)

    def draft(self) -> Self:
        return type(self)(
            dict(self.orders),
            list(self.events),
            dict(self.accounts),
            list(self.account_events),
            dict(self.sessions),
            dict(self.services),
            dict(self.ended_secrets),
            dict(self.answered),
            set(self.messages),
            dict(self.unfinished),
        )


class Store:
    def __init__(self) -> None:
        self.committed = Committed()
        self.changing: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.changing_accounts: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.kept: Counter[UUID] = Counter()
        self.ending: set[UUID] = set()
        self.reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.places: dict[str, LogPosition] = {}
        self.event_ids = SequentialIds(lane=1)
        self.transactions = 0


class InMemoryOrders:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.flushed: Committed | None = None
        self._staged: list[tuple[Order, Sequence[Recorded]]] = []
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


class InMemoryAccounts:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[tuple[Account, Sequence[RecordedOfAccount]]] = []
        self._held: dict[UUID, asyncio.Lock] = {}
        self._kept: Counter[UUID] = Counter()

    async def get(self, account_id: UUID, *, lock: bool = False) -> Account:
        await others_run()
        if lock and account_id not in self._held:
            await self._store.changing_accounts[account_id].acquire()
            self._held[account_id] = self._store.changing_accounts[account_id]
        if account_id not in self._store.committed.accounts:
            raise AccountNotFound
        return copy(self._store.committed.accounts[account_id])

    async def keep(self, account_id: UUID) -> None:
        while account_id in self._store.ending:
            await others_run()
        if account_id not in self._store.committed.accounts:
            raise AccountNotFound
        self._store.kept[account_id] += 1
        self._kept[account_id] += 1

    async def by_email(self, email: str) -> Account | None:
        await others_run()
        return next((copy(known) for known in self._store.committed.accounts.values() if known.email == email), None)

    def add(self, account: Account) -> None:
        self.save(account)

    def save(self, account: Account) -> None:
        events = account.take_events()
        self._staged.append((copy(account), events))

    def write(self, draft: Committed) -> None:
        for account, events in self._staged:
            known = draft.accounts.get(account.id)
            if (0 if known is None else known.version) != account.version - len(events):
                raise AccountChangedMeanwhile
            others = [known for known in draft.accounts.values() if known.id != account.id]
            if any(known.email == account.email for known in others):
                raise EmailTaken
            draft.accounts[account.id] = account
            draft.account_events += [(account.id, _view_of_account(event)) for event in events]

    def let_go(self) -> None:
        self._store.kept -= self._kept
        self._kept.clear()
        while self._held:
            self._held.popitem()[1].release()


def _view_of_account(recorded: RecordedOfAccount) -> EventView:
    return EventView(
        id=uuid4(),
        seq=recorded.seq,
        type=recorded.event.type,
        occurred_at=recorded.at,
        actor=ActorView(kind=recorded.by.kind, id=recorded.by.id),
        change=change_of(recorded),
    )


class InMemorySessions:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[Session] = []
        self._held: list[asyncio.Lock] = []

    async def get(self, session_id: UUID) -> Session:
        if session_id not in self._store.committed.sessions:
            raise SessionNotFound
        await self._hold(session_id)
        return copy(self._store.committed.sessions[session_id])

    async def of(self, account_id: UUID) -> Sequence[Session]:
        await others_run()
        found = [
            known
            for known in self._store.committed.sessions.values()
            if known.account_id == account_id and known.ended_at is None
        ]
        for session in found:
            await self._hold(session.id)
        newest_first = sorted(found, key=lambda session: (session.began_at, session.id), reverse=True)
        return [copy(self._store.committed.sessions[session.id]) for session in newest_first]

    async def all_of(self, account_id: UUID) -> Sequence[Session]:
        await others_run()
        found = [known for known in self._store.committed.sessions.values() if known.account_id == account_id]
        return [copy(one) for one in sorted(found, key=lambda one: (one.began_at, one.id), reverse=True)]

    def add(self, session: Session) -> None:
        self._staged.append(copy(session))

    def save(self, session: Session) -> None:
        self._staged.append(copy(session))

    def write(self, draft: Committed) -> None:
        draft.sessions |= {session.id: session for session in self._staged}

    def let_go(self) -> None:
        while self._held:
            self._held.pop().release()

    async def _hold(self, session_id: UUID) -> None:
        lock = self._store.changing[session_id]
        await lock.acquire()
        self._held.append(lock)


class InMemoryServices:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[Service] = []
        self._removed: list[UUID] = []
        self._ended: dict[UUID, datetime] = {}
        self._held: list[asyncio.Lock] = []

    async def get(self, service_id: UUID) -> Service:
        await others_run()
        if service_id not in self._store.committed.services:
            raise ServiceNotFound
        return copy(self._store.committed.services[service_id])

    async def named(self, name: str) -> Service:
        for service in await self.all():
            if service.name == name:
                lock = self._store.changing[service.id]
                await lock.acquire()
                self._held.append(lock)
                return await self.get(service.id)
        raise ServiceNotFound

    async def all(self) -> Sequence[Service]:
        await others_run()
        return sorted(map(copy, self._store.committed.services.values()), key=lambda service: service.name)

    def add(self, service: Service) -> None:
        self._staged.append(copy(service))

    def save(self, service: Service) -> None:
        self._staged.append(copy(service))

    def remove(self, service: Service) -> None:
        self._removed.append(service.id)

    def end_secret(self, secret_id: UUID, *, at: datetime) -> None:
        self._ended[secret_id] = at

    def write(self, draft: Committed) -> None:
        for service in self._staged:
            if any(known.name == service.name and known.id != service.id for known in draft.services.values()):
                raise ServiceNameTaken
            draft.services[service.id] = service
        for service_id in self._removed:
            draft.services.pop(service_id, None)
        draft.ended_secrets |= self._ended

    def let_go(self) -> None:
        while self._held:
            self._held.pop().release()


class InMemoryAnsweredRequests:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[tuple[tuple[UUID, str], AnsweredRequest]] = []

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None:
        await others_run()
        return self._store.committed.answered.get((subject, key))

    def remember(self, subject: UUID, key: str, answered: AnsweredRequest) -> None:
        self._staged.append(((subject, key), answered))

    def write(self, draft: Committed) -> None:
        for key, answered in self._staged:
            if key in draft.answered:
                raise IdempotencyKeyTaken
            draft.answered[key] = answered


class InMemoryInbox:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[tuple[str, str]] = []

    async def has(self, consumer: str, message_id: str) -> bool:
        await others_run()
        return (consumer, message_id) in self._store.committed.messages

    def add(self, consumer: str, message_id: str) -> None:
        self._staged.append((consumer, message_id))

    def write(self, draft: Committed) -> None:
        for message in self._staged:
            if message in draft.messages:
                raise MessageKnown
            draft.messages.add(message)


class InMemoryErasing:
    def __init__(self, store: Store, orders: InMemoryOrders) -> None:
        self._store = store
        self._orders = orders
        self._ending: set[UUID] = set()
        self._held: list[asyncio.Lock] = []
        self._ended: dict[UUID, datetime] = {}
        self._events: list[tuple[UUID, EventView]] = []
        self._rewritten: list[tuple[UUID, set[UUID]]] = []

    async def hold(self, account_id: UUID) -> Account:
        while account_id in self._store.ending:
            await others_run()
        self._store.ending.add(account_id)
        self._ending.add(account_id)
        while self._store.kept[account_id]:
            await others_run()
        await self._store.changing_accounts[account_id].acquire()
        self._held.append(self._store.changing_accounts[account_id])
        if account_id not in self._store.committed.accounts:
            raise AccountNotFound
        return copy(self._store.committed.accounts[account_id])

    async def has_other_admin(self, account_id: UUID) -> bool:
        admins = [known.id for known in self._store.committed.accounts.values() if known.role is Role.ADMIN]
        return any(admin not in {account_id, *self._store.ending} for admin in admins)

    async def open_orders(self, customer_id: UUID) -> int:
        await others_run()
        known = self._store.committed.orders.values()
        return sum(order.customer_id == customer_id and not order.is_over for order in known)

    async def end_account(self, account: Account, *, at: datetime) -> None:
        self._ended[account.id] = at
        self._events += [(account.id, _view_of_account(event)) for event in account.take_events()]

    async def unfinished(self) -> Sequence[UUID]:
        return list(self._store.committed.unfinished)

    async def next_orders(self, account_id: UUID, *, limit: int) -> Sequence[Order]:
        await others_run()
        done = self._store.committed.unfinished.get(account_id)
        mine = [order for order in self._store.committed.orders.values() if order.customer_id == account_id]
        left = [] if done is None else sorted(order.id for order in mine if order.id not in done)[:limit]
        return [await self._orders.get(order_id, only_of=None, lock=True) for order_id in left]

    async def rewrite(self, account_id: UUID, orders: Sequence[Order]) -> None:
        self._rewritten.append((account_id, {order.id for order in orders}))

    def write(self, draft: Committed) -> None:
        draft.account_events += self._events
        for account_id, at in self._ended.items():
            del draft.accounts[account_id]
            draft.unfinished[account_id] = set()
            for session in [known for known in draft.sessions.values() if known.account_id == account_id]:
                draft.sessions[session.id] = Session(
                    id=session.id,
                    account_id=account_id,
                    began_at=at,
                    refreshed_at=at,
                    expires_at=at,
                    ended_at=at,
                    token_hash=b"",
                )
            draft.answered = {key: value for key, value in draft.answered.items() if key[0] != account_id}
        for account_id, order_ids in self._rewritten:
            if order_ids:
                draft.unfinished[account_id] = draft.unfinished[account_id] | order_ids
                draft.events = [_redacted(one) if one.order_id in order_ids else one for one in draft.events]
            else:
                draft.unfinished.pop(account_id, None)

    def let_go(self) -> None:
        self._store.ending -= self._ending
        self._ending.clear()
        while self._held:
            self._held.pop().release()


def _redacted(event: LoggedEvent) -> LoggedEvent:
    payload = redacted_payload(event.type, event.payload)
    return event if payload is None else replace(event, payload=payload.encode())


class InMemoryTransaction:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.orders = InMemoryOrders(store)
        self.accounts = InMemoryAccounts(store)
        self.sessions = InMemorySessions(store)
        self.services = InMemoryServices(store)
        self.answered = InMemoryAnsweredRequests(store)
        self.inbox = InMemoryInbox(store)
        self.erasing = InMemoryErasing(store, self.orders)

    async def flush(self) -> None:
        await others_run()
        await self.orders.hold_changed()
        self.orders.flushed = self._written()

    async def commit(self) -> None:
        await others_run()
        await self.orders.hold_changed()
        self._store.committed = self._written()
        self.let_go()

    def let_go(self) -> None:
        for part in (self.orders, self.sessions, self.services, self.accounts, self.erasing):
            part.let_go()

    def _written(self) -> Committed:
        """What is committed by now, with everything that was staged here."""
        draft = self._store.committed.draft()
        for part in (
            self.answered,
            self.inbox,
            self.accounts,
            self.sessions,
            self.services,
            self.erasing,
            self.orders,
        ):
            part.write(draft)
        return draft


class InMemoryTransactions:
    def __init__(self, store: Store) -> None:
        self.store = store

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        transaction = InMemoryTransaction(self.store)
        try:
            yield transaction
        finally:
            transaction.let_go()


# Reading


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
        return [_view_of(event) for event in log if event.order_id == order_id and event.seq > after_seq][:limit]

    async def events_and_orders(
        self, order_id: UUID, *, after_seq: int, limit: int
    ) -> Sequence[tuple[EventView, RenderedOrder]]:
        await others_run()
        log = [event for event in self._store.committed.events if event.order_id == order_id]
        found = [event for event in log if event.seq > after_seq][:limit]
        return [(_view_of(event), rendered_from(bytes(_payload_of(event).order))) for event in found]

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


class InMemoryAccountViews:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, wanted: AccountFilter, *, start: UUID | None, limit: int) -> AccountPage:
        await others_run()
        matching = [
            copy(account)
            for account in sorted(self._store.committed.accounts.values(), key=lambda one: one.id, reverse=True)
            if wanted.role in (None, account.role)
            and wanted.email in (None, account.email)
            and (start is None or account.id < start)
        ]
        page = matching[:limit]
        return AccountPage(accounts=page, next_start=page[-1].id if len(matching) > limit else None)

    async def events(self, account_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        await others_run()
        events = [event for of, event in self._store.committed.account_events if of == account_id]
        return [event for event in events if event.seq > after_seq][:limit]


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


def _told(event: LoggedEvent) -> LoggedEvent:
    return replace(event, payload=told(event.type, event.payload))


def _view_of(event: LoggedEvent) -> EventView:
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


# Telling


class InMemoryEventLogReader:
    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    async def next_batch(self, limit: int) -> Sequence[LoggedEvent]:
        await others_run()
        place = self._store.places.get(self._name, LogPosition(0, 0))
        unread = [event for event in self._store.committed.events if event.at.position > place.position]
        return [_told(event) for event in unread[:limit]]

    async def advance(self, to: LogPosition) -> None:
        await others_run()
        self._store.places[self._name] = to


class InMemoryEventLog:
    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def reader(self, name: str) -> AsyncIterator[EventLogReader]:
        async with self._store.reading[name]:
            yield InMemoryEventLogReader(self._store, name)


class InMemoryEventArchive:
    """`origin` may be changed: as if the log had been restored into another cluster."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.origin = 1

    async def page(self, start: LogPlace | None, *, types: Collection[str], limit: int) -> LogPage:
        await others_run()
        if start is not None and start.origin != self.origin:
            raise CursorExpired
        here = LogPosition(0, 0) if start is None else start.at
        unread = [event for event in self._store.committed.events if event.at.position > here.position]
        wanted = [event for event in unread if not types or event.type in types]
        page = wanted[:limit]
        end = page[-1:] if len(wanted) >= limit else unread[-1:]
        return LogPage(
            events=[_told(event) for event in page],
            next_start=LogPlace(self.origin, end[0].at if end else here),
            is_last=len(wanted) < limit,
        )


class InMemoryEventFeed:
    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def follow(self, order_id: UUID) -> AsyncIterator[AsyncIterator[EventView]]:
        yield self._news(order_id, len(self._store.committed.events))

    async def _news(self, order_id: UUID, read: int) -> AsyncIterator[EventView]:
        while True:
            await others_run()
            unread = self._store.committed.events[read:]
            read += len(unread)
            for event in unread:
                if event.order_id == order_id:
                    yield _view_of(event)


class ListPublisher:
    """`published` grows by what is handed over; while `broken`, every try fails."""

    def __init__(self) -> None:
        self.published: list[LoggedEvent] = []
        self.broken: Exception | None = None

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        await others_run()
        if self.broken is not None:
            raise self.broken
        self.published.extend(events)


class ListJobs:
    def __init__(self) -> None:
        self.waiting: list[UUID] = []

    async def enqueue_processing(self, order_id: UUID) -> None:
        self.waiting.append(order_id)


# Security


class PlainPasswords:
    """`checked` has the hash of every comparison: an unknown account's is the same work on `NOBODYS`."""

    NOBODYS = "hash of nobody's"

    def __init__(self) -> None:
        self.checked: list[str] = []

    async def hash(self, password: str) -> str:
        await others_run()
        return f"hash of {password}"

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash.startswith("weak ")

    async def verify(self, password: str, password_hash: str | None) -> bool:
        await others_run()
        self.checked.append(password_hash or self.NOBODYS)
        return password_hash in (f"hash of {password}", f"weak hash of {password}")


class FewPasswords:
    """The one that everybody has."""

    def has(self, password: str) -> bool:
        return password == "password123"


class NumberedTokens:
    lifetime = timedelta(minutes=15)

    def __init__(self) -> None:
        self._issued: list[tuple[Bearer, datetime]] = []

    def issue(self, actor: Actor, *, at: datetime, session_id: UUID | None = None) -> str:
        self._issued.append((Bearer(actor, at + self.lifetime, session_id), at + self.lifetime))
        return f"token {len(self._issued)}"

    def bearer(self, token: str, *, at: datetime) -> Bearer:
        for number, (bearer, expires_at) in enumerate(self._issued, start=1):
            if token == f"token {number}" and at < expires_at:
                return bearer
        raise NotAuthenticated("The token is not one of this service, or has expired.")
