"""Many requests in one."""

import asyncio
from collections.abc import Sequence, Set
from contextlib import suppress
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
from order_service.use_cases.one_transaction import LostRace, NotedOrders, Within
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand

MOST_ITEMS = 100

_WAITS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before an atomic batch that lost a race is tried again, each time; then its client may."""


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
    """Each item as if it were sent alone, in the given order; the results stand in the order of the items.

    Not `atomic`: what fails fails alone. `atomic`: all of them, each seeing what those before it did, or none; then
    the results say which failed, and the others are BatchAborted. Then it raises DependencyUnavailable,
    IdempotencyKeyReused and OrderChangedMeanwhile as a whole.
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
            return await self._each(items)
        for seconds in _WAITS:
            try:
                return await self._together(items)
            except (LostRace, OrderChangedMeanwhile, IdempotencyKeyTaken, OrderNumberTaken):
                await asyncio.sleep(seconds)
        try:
            return await self._together(items)
        except LostRace as lost:
            raise lost.reason from None

    async def _each(self, items: Sequence[BatchItem]) -> Sequence[Result]:
        if any(_key(item) for item in items):
            async with self._transactions.begin() as tx:
                for item in items:  # else a key of another batch would be refused for some of them only
                    await answered_before(tx, _by(item), _key(item))
        results: list[Result] = []
        for item in items:
            try:
                results.append(await self._result(item, self._transactions, self._cache))
            except DependencyUnavailable as error:  # nor will the others get through
                return [*results, *[error] * (len(items) - len(results))]
        return results

    async def _together(self, items: Sequence[BatchItem]) -> Sequence[Result]:
        results: Sequence[Result] = ()
        noted = NotedOrders()
        async with self._transactions.begin() as tx:
            customers = await _lock(tx, items)
            answered = [await answered_before(tx, _by(item), _key(item)) for item in items]
            if not any(answered):
                await tx.orders.reserve(customers)
                results = await self._all_or_none(items, tx, noted)
        for order in noted.orders:
            await self._cache.put(order)
        return await self._first_answers(answered) if any(answered) else results

    async def _all_or_none(self, items: Sequence[BatchItem], tx: Transaction, noted: NotedOrders) -> Sequence[Result]:
        done: list[Result] = []
        for number, item in enumerate(items):
            result = await self._result(item, Within(tx), noted)
            if isinstance(result, OrderServiceError):
                noted.orders.clear()
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


def _by(item: BatchItem) -> Actor:
    return item.by if isinstance(item, PlaceOrderCommand) else item.wanted.by


def _key(item: BatchItem) -> IdempotencyKey | None:
    return item.idempotency_key if isinstance(item, PlaceOrderCommand) else item.wanted.idempotency_key


async def _lock(tx: Transaction, items: Sequence[BatchItem]) -> Set[UUID]:
    """All orders that are to be changed, by id: two batches never wait for each other in a circle.

    Gives the customers whose orders, old and new, these are. What is unique for a customer (external_ref) two batches
    could still wait for in a circle, so of those for one customer only one goes on.
    """
    customers = {item.customer_id or item.by.only_own for item in items if isinstance(item, PlaceOrderCommand)}
    changes = {item.wanted.order_id: item.wanted for item in items if not isinstance(item, PlaceOrderCommand)}
    for order_id in sorted(changes):
        with suppress(OrderNotFound):  # its item will say so
            order = await tx.orders.get(order_id, only_of=changes[order_id].by.only_own, lock=True)
            customers.add(order.customer_id)
    return {customer for customer in customers if customer is not None}
