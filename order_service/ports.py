"""The outside world, as the use cases see it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.actor import Actor
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.domain.order import Order
from order_service.views import EventView, RenderedOrder

# Writing


class Orders(Protocol):
    async def get(self, order_id: UUID, *, only_of: UUID | None, lock: bool = False) -> Order:
        """The newest committed order. Raises OrderNotFound when absent, or not of the customer `only_of`.

        With `lock`, nobody else can change the order until this transaction ends.
        """

    async def claim_unpaid(self, *, pay_by_before: datetime) -> Order | None:
        """The PENDING order whose time to pay ended before that the longest ago, locked; None if there is none.

        One that somebody else has locked is passed over.
        """

    def add(self, order: Order) -> RenderedOrder:
        """Stages a new order and its events, and says how every later read of this version will show it."""

    def save(self, order: Order) -> RenderedOrder:
        """Like `add`, for an order that came from `get`; stages nothing if it has no new events."""


class Accounts(Protocol):
    async def get(self, account_id: UUID) -> Account:
        """Raises AccountNotFound."""

    async def by_email(self, email: str) -> Account | None:
        """`email` as accounts keep it (see `normalized_email`)."""

    def add(self, account: Account) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRequest:
    """Which order, at which version, was the answer to a request with this fingerprint."""

    fingerprint: bytes
    order_id: UUID
    version: int


class AnsweredRequests(Protocol):
    """Requests that came with an idempotency key, by the account that sent them."""

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None: ...

    def remember(self, subject: UUID, key: str, answered: AnsweredRequest) -> None:
        """Stages the record. A second one for the same subject and key fails `commit` with IdempotencyKeyTaken."""


class Inbox(Protocol):
    """Messages that took effect already, by consumer."""

    async def has(self, consumer: str, message_id: str) -> bool: ...

    def add(self, consumer: str, message_id: str) -> None:
        """Stages the record. A second one for the same message fails `commit` with MessageKnown."""


class Transaction(Protocol):
    """All or nothing: what is staged becomes visible by `commit`, together, or never."""

    @property
    def orders(self) -> Orders: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def answered(self) -> AnsweredRequests: ...
    @property
    def inbox(self) -> Inbox: ...

    async def flush(self) -> None:
        """Writes everything staged: this transaction finds it, and nobody else yet. Raises what `commit` does."""

    async def commit(self) -> None:
        """Writes everything staged.

        Raises OrderChangedMeanwhile (the order is not at the version it was loaded at), IdempotencyKeyTaken,
        MessageKnown, ExternalRefTaken, OrderNumberTaken, EmailTaken; then nothing was written. After
        DependencyUnavailable nobody knows: an idempotency key finds out.
        """


class Transactions(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """Leaving it without `commit` leaves no trace."""


# Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders are wanted: those to which all of it applies. What is None, or empty, applies to any.

    `placed_from` and `total_min` belong to the range, `placed_to` and `total_max` too. Totals are in each order's own
    currency. `sku`: of one of its lines. `metadata`: the keys and values that it has, beside others.
    """

    customer_id: UUID | None = None
    status: Status | None = None
    processing_status: ProcessingStatus | None = None
    payment_status: PaymentStatus | None = None
    fulfillment_status: FulfillmentStatus | None = None
    return_status: ReturnStatus | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    total_min: Decimal | None = None
    total_max: Decimal | None = None
    sku: str | None = None
    number: str | None = None
    external_ref: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageStart:
    """The last order of the page before: the next page begins behind it."""

    placed_at: datetime
    order_id: UUID


@dataclass(frozen=True, slots=True)
class OrderPage:
    orders: Sequence[RenderedOrder]
    next_start: PageStart | None


class OrderViews(Protocol):
    async def get(self, order_id: UUID) -> RenderedOrder:
        """The newest committed version, whoever's it is: the caller checks. Raises OrderNotFound."""

    async def id_of(self, number: str) -> UUID:
        """The id of the order with this number, whoever's it is. Raises OrderNotFound."""

    async def at_version(self, order_id: UUID, version: int) -> RenderedOrder:
        """The order as it was when it reached `version`, from the log. Raises OrderNotFound."""

    async def list(
        self, wanted: OrderFilter, *, start: PageStart | None, limit: int, newest_first: bool
    ) -> OrderPage: ...

    async def events(self, order_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        """The history behind `after_seq`, oldest first; empty also for an order that does not exist."""

    async def count_placed(self, customer_id: UUID, *, since: datetime, before: datetime, at_most: int) -> int:
        """How many orders the customer placed in [since, before), counted no further than `at_most`."""

    async def placed_same_lines(self, order: Order, *, since: datetime) -> bool:
        """Whether the order's customer placed one with equal lines in [since, the order's placing)."""

    async def stalled(self, *, queued_before: datetime, limit: int) -> Sequence[UUID]:
        """Orders placed before that, still QUEUED for screening; oldest first."""


class OrderCache(Protocol):
    """Remembers rendered orders for a while. It may forget at any moment, but never goes back to an older version."""

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        """The remembered order, else the loaded one, remembered from now on. What `load` raises passes through."""

    async def put(self, order: RenderedOrder) -> None:
        """From now on nobody gets an older version. It need not be remembered: then the next `get` loads it."""


# Telling


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A place in the log, in the order of commits: the writing transaction's id, then the row's number."""

    tx_id: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """`payload` is the message's JSON, ready to send: order, change, seq, actor."""

    at: LogPosition
    id: UUID
    order_id: UUID
    seq: int
    type: str
    payload: bytes
    occurred_at: datetime


class EventLogReader(Protocol):
    async def next_batch(self, limit: int) -> Sequence[LoggedEvent]:
        """The oldest events behind the reader's place, in commit order; none may be committed before them later."""

    async def advance(self, to: LogPosition) -> None:
        """Moves the reader's place, durably."""


class EventLog(Protocol):
    def reader(self, name: str) -> AbstractAsyncContextManager[EventLogReader]:
        """The only active reader of this name, anywhere; waits until another one is gone."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A place in the log of one database cluster, `origin`: in another one it means nothing."""

    origin: int
    at: LogPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """`next_start` is where to go on, now or later; `is_last`: nothing more is there yet."""

    events: Sequence[LoggedEvent]
    next_start: LogPlace
    is_last: bool


class EventArchive(Protocol):
    async def page(self, start: LogPlace | None, *, types: Collection[str], limit: int) -> LogPage:
        """What is behind `start`, else from the beginning, in commit order; of all types when none is named.

        Raises CursorExpired for a place in another log than this.
        """


class EventFeed(Protocol):
    def follow(self, order_id: UUID) -> AbstractAsyncContextManager[AsyncIterator[EventView]]:
        """The order's events that are committed from now on, oldest first, perhaps with some from just before.

        Ends when the reader is too slow to be waited for, or the service stops.
        """


class Leases(Protocol):
    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody else, anywhere, holds `name` meanwhile; waits until another holder is gone."""


class OldRecords(Protocol):
    async def forget(self, *, answered_before: datetime, heard_before: datetime) -> int:
        """Deletes records of answered requests and heard messages that are older; how many."""


class EventPublisher(Protocol):
    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        """Returns once every event is safely handed over, those of one order in the given order."""


class JobQueue(Protocol):
    async def enqueue_processing(self, order_id: UUID) -> None:
        """Asks for the order to be screened soon. A hint: it may be lost, or arrive twice."""


# Security, time and names


class PasswordHasher(Protocol):
    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether they match. Without a hash: False, after as long as a wrong password takes."""


class Tokens(Protocol):
    lifetime: timedelta

    def issue(self, account: Account, *, at: datetime) -> str: ...

    def actor(self, token: str, *, at: datetime) -> Actor:
        """Whose token it is. Raises NotAuthenticated for one that is forged, expired or not for this service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`limit` requests in each `window`, all at once or spread.

    `guards_secrets`: whoever is limited may be guessing passwords, so without a limit there is no answer either.
    """

    name: str
    limit: int
    window: timedelta
    guards_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Times in seconds: `retry_after` until the next request is allowed (0 if it is now), `reset` until all are."""

    allowed: bool
    remaining: int
    retry_after: float
    reset: float


class RateLimiter(Protocol):
    async def take(self, quota: Quota, subject: str) -> Allowance:
        """Counts one request. Where the count is out of reach: allowed, or DependencyUnavailable for secrets."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


class Ids(Protocol):
    def new(self) -> UUID:
        """A version 7 UUID: unique, and later ones sort behind earlier ones."""

    def new_order_number(self) -> str: ...
