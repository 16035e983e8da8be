"""Give somebody all that is kept of them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.account import Account, normalized_email
from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import AccountNotFound
from order_service.domain.events import OrderAmended, OrderEdited
from order_service.domain.session import Session
from order_service.ports import AccountViews, Clock, OrderFilter, OrderViews, Transactions
from order_service.views import EventView, RenderedOrder

_REPLACING = frozenset({OrderAmended.type, OrderEdited.type})
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """`before` is the order that the event changed, where something was written over: nothing else has it still."""

    event: EventView
    before: RenderedOrder | None


@dataclass(frozen=True, slots=True)
class ExportedOrder:
    order: RenderedOrder
    history: AsyncIterator[ExportedEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`orders`, the oldest first, and their histories are read while they are asked for, page by page."""

    made_at: datetime
    account: Account
    history: Sequence[EventView]
    sessions: Sequence[Session]
    orders: AsyncIterator[ExportedOrder]


class ExportAccount:
    """The holder of an account: the account and its sessions and orders, with all their histories.

    All that was answered before is in it, each order and each event once; what happens while it is read may be in it
    as well. Raises InsufficientScope, AccountNotFound.
    """

    def __init__(
        self, transactions: Transactions, views: OrderViews, account_views: AccountViews, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._views = views
        self._account_views = account_views
        self._clock = clock

    async def __call__(self, by: Actor) -> Export:
        by.require(Scope.ACCOUNTS_READ)
        by.require(Scope.ORDERS_READ)
        return await self._export(by.own_account)

    async def by_email(self, email: str) -> Export:
        """The same for whoever runs the service, who was asked by mail. Raises InvalidField."""
        async with self._transactions.begin() as tx:
            account = await tx.accounts.by_email(normalized_email(email))
        if account is None:
            raise AccountNotFound
        return await self._export(account.id)

    async def _export(self, account_id: UUID) -> Export:
        made_at = self._clock.now()
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(account_id)
            sessions = await tx.sessions.all_of(account_id)
        return Export(
            made_at=made_at,
            account=account,
            history=await self._account_views.events(account_id, after_seq=0, limit=account.version),
            sessions=sessions,
            orders=self._orders(account_id),
        )

    async def _orders(self, account_id: UUID) -> AsyncIterator[ExportedOrder]:
        start, wanted = None, OrderFilter(customer_id=account_id)
        while True:
            page = await self._views.list(wanted, start=start, limit=_AT_ONCE, newest_first=False)
            for order in page.orders:
                yield ExportedOrder(order, self._history(order.order_id, up_to=order.version))
            if page.next_start is None:
                return
            start = page.next_start

    async def _history(self, order_id: UUID, *, up_to: int) -> AsyncIterator[ExportedEvent]:
        """Of the order as it is in the export, whatever happened to it since."""
        seq, before = 0, None
        while seq < up_to:
            page = await self._views.events_and_orders(order_id, after_seq=seq, limit=min(_AT_ONCE, up_to - seq))
            for event, after in page:
                yield ExportedEvent(event, before if event.type in _REPLACING else None)
                seq, before = event.seq, after
