"""Many requests in one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.domain.editing import Amendment
from order_service.domain.errors import (
    BatchAborted,
    DependencyUnavailable,
    IdempotencyKeyReused,
    IdempotencyKeyTaken,
    OrderChangedMeanwhile,
    OrderNotFound,
    OrderNumberTaken,
    OrderServiceError,
)
from order_service.domain.lifecycle import CancelReason, Status
from order_service.domain.rules import ShopRules
from order_service.ports import AnsweredRequest, Clock, Ids, OrderCache, OrderViews, Transaction, Transactions
from order_service.use_cases.amend_order import AmendOrder
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.idempotency import Answer, IdempotencyKey, answered_before, first_answer
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand
from order_service.views import RenderedOrder

MOST_ITEMS = 100


class _Committed:
    """A cache that only notes what it is told: the real one must not hear of what may never be committed."""

    def __init__(self) -> None:
        self.orders: list[RenderedOrder] = []

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        del order_id  # nobody asks here
        return await load()

    async def put(self, order: RenderedOrder) -> None:
        self.orders.append(order)


@dataclass(frozen=True, slots=True)
class StatusItem:
    wanted: OrderChange
    to: Status


@dataclass(frozen=True, slots=True)
class AmendItem:
    wanted: OrderChange
    amendment: Amendment


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelItem:
    wanted: OrderChange
    reason: CancelReason
    note: str = ""


BatchItem = PlaceOrderCommand | StatusItem | AmendItem | CancelItem

Result = Answer | OrderServiceError
"""What came of an item: the order, or why not."""


class RunBatch:
    """Each item as if it were sent alone, in the given order: who may do it, what it raises, its idempotency key.

    Not `atomic`: what fails fails alone. `atomic`: all of them, each seeing what those before it did, or none; then
    the results say which failed, and the others are BatchAborted. Raises DependencyUnavailable, as a whole.
    """

    def __init__(
        self,
        transactions: Transactions,
        views: OrderViews,
        cache: OrderCache,
        clock: Clock,
        ids: Ids,
        rules: ShopRules,
    ) -> None:
        self._transactions = transactions
        self._views = views
        self._cache = cache
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def __call__(self, items: Sequence[BatchItem], *, atomic: bool) -> Sequence[Result]:
        if not atomic:
            return [await self._result(item, self._transactions, self._cache) for item in items]
        try:
            return await self._together(items)
        except (_LostRace, OrderChangedMeanwhile, IdempotencyKeyTaken, OrderNumberTaken):
            return await self._together(items)

    async def _together(self, items: Sequence[BatchItem]) -> Sequence[Result]:
        results: Sequence[Result] = ()
        committed = _Committed()
        async with self._transactions.begin() as tx:
            await _lock(tx, items)
            answered = [await answered_before(tx, _by(item), _key(item)) for item in items]
            if not any(answered):
                results = await self._all_or_none(items, tx, committed)
        for order in committed.orders:
            await self._cache.put(order)
        return await self._first_answers(answered) if any(answered) else results

    async def _all_or_none(
        self, items: Sequence[BatchItem], tx: Transaction, committed: _Committed
    ) -> Sequence[Result]:
        done: list[Result] = []
        for number, item in enumerate(items):
            result = await self._result(item, _Within(tx), committed)
            if isinstance(result, OrderServiceError):
                committed.orders.clear()
                return [result if place == number else BatchAborted(number) for place in range(len(items))]
            done.append(result)
        await tx.commit()
        return done

    async def _first_answers(self, answered: Sequence[AnsweredRequest | None]) -> Sequence[Result]:
        """Raises IdempotencyKeyReused for a key of a batch that had not all of these items."""
        known = [one for one in answered if one is not None]
        if len(known) < len(answered):
            raise IdempotencyKeyReused
        return [await first_answer(self._views, one) for one in known]

    async def _result(self, item: BatchItem, transactions: Transactions, cache: OrderCache) -> Result:
        change_order = ChangeOrder(transactions, self._views, cache, self._clock)
        try:
            match item:
                case PlaceOrderCommand():
                    place = PlaceOrder(transactions, self._views, self._clock, self._ids, self._rules)
                    return await place(item)
                case StatusItem(wanted, to):
                    return await ChangeStatus(change_order, self._ids, self._rules)(wanted, to)
                case AmendItem(wanted, amendment):
                    return await AmendOrder(change_order)(wanted, amendment)
                case CancelItem(wanted=wanted, reason=reason, note=note):
                    return await CancelOrder(change_order, self._rules)(wanted, reason=reason, note=note)
        except DependencyUnavailable:
            raise
        except OrderServiceError as error:
            return error


class _LostRace(Exception):
    """Somebody else was faster; what was written so far is void, and the whole is to be tried again."""


class _Within:
    """A transaction that is under way, for use cases that begin and commit one of their own."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.orders, self.accounts = transaction.orders, transaction.accounts
        self.answered, self.inbox = transaction.answered, transaction.inbox

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        yield self

    async def flush(self) -> None:
        await self._transaction.flush()

    async def commit(self) -> None:
        try:
            await self._transaction.flush()
        except (OrderChangedMeanwhile, IdempotencyKeyTaken, OrderNumberTaken) as error:
            raise _LostRace from error


def _by(item: BatchItem) -> Actor:
    return item.by if isinstance(item, PlaceOrderCommand) else item.wanted.by


def _key(item: BatchItem) -> IdempotencyKey | None:
    return item.idempotency_key if isinstance(item, PlaceOrderCommand) else item.wanted.idempotency_key


async def _lock(tx: Transaction, items: Sequence[BatchItem]) -> None:
    """All orders that are to be changed, by id: two batches never wait for each other."""
    changes = {item.wanted.order_id: item.wanted for item in items if not isinstance(item, PlaceOrderCommand)}
    for order_id in sorted(changes):
        with suppress(OrderNotFound):  # its item will say so
            await tx.orders.get(order_id, only_of=changes[order_id].by.only_own, lock=True)
