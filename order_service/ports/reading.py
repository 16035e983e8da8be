"""What is read, past the aggregate: straight to what is sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.actor import Role
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.domain.order import Order
from order_service.views import EventView, RenderedOrder


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

    async def events_and_orders(
        self, order_id: UUID, *, after_seq: int, limit: int
    ) -> Sequence[tuple[EventView, RenderedOrder]]:
        """The same, each with the order as it was after it."""

    async def count_placed(self, customer_id: UUID, *, since: datetime, before: datetime, at_most: int) -> int:
        """How many orders the customer placed in [since, before), counted no further than `at_most`."""

    async def placed_same_lines(self, order: Order, *, since: datetime) -> bool:
        """Whether the order's customer placed one with equal lines in [since, the order's placing)."""

    async def stalled(self, *, queued_before: datetime, limit: int) -> Sequence[UUID]:
        """Orders placed before that, still QUEUED for screening; oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts are wanted: those to which all of it applies. `email` as accounts keep it."""

    role: Role | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`next_start`: the account that the next page begins behind."""

    accounts: Sequence[Account]
    next_start: UUID | None


class AccountViews(Protocol):
    async def list(self, wanted: AccountFilter, *, start: UUID | None, limit: int) -> AccountPage:
        """The newest first, behind the account `start`."""

    async def events(self, account_id: UUID, *, after_seq: int, limit: int) -> Sequence[EventView]:
        """The history behind `after_seq`, oldest first; it outlives the account."""


class OrderCache(Protocol):
    """Remembers rendered orders for a while. It may forget at any moment, but never goes back to an older version."""

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        """The remembered order, else the loaded one, remembered from now on. What `load` raises passes through."""

    async def put(self, order: RenderedOrder) -> None:
        """From now on nobody gets an older version. It need not be remembered: then the next `get` loads it."""
