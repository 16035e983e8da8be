"""What every change has in common, shown by payments: who may, on which version, once, and after all others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import (
    IdempotencyKeyReused,
    IllegalTransition,
    NotAllowed,
    OrderNotFound,
    Overpayment,
    PaymentKnown,
    VersionMismatch,
)
from order_service.domain.lifecycle import CancelReason, Status
from order_service.ports import AnsweredRequest, Transaction
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.idempotency import Answer, ConsumedMessage, IdempotencyKey
from tests.in_memory.once import InMemoryAnsweredRequests
from tests.in_memory.store import Store
from tests.in_memory.transaction import InMemoryTransaction, InMemoryTransactions
from tests.use_cases.shop import Shop, a_key, read


async def pay(
    shop: Shop,
    order_id: UUID,
    by: Actor,
    *,
    amount: str = "5",
    payment_id: str = "payment-1",
    key: IdempotencyKey | None = None,
    at: frozenset[int] | None = None,
) -> Answer:
    change = OrderChange(order_id=order_id, by=by, expected_versions=at, idempotency_key=key)
    return await shop.record_payment(change, payment_id=payment_id, amount=amount, method="CARD")


async def test_a_change_is_answered_with_the_order_after_it(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    answer = await pay(shop, order_id, operator)
    assert not answer.replayed
    assert answer.order == await shop.views.get(order_id)
    assert read(answer.order).captured == "5.00"
    assert read(answer.order).version == 2
    assert shop.cache.remembered[order_id] == answer.order


async def test_an_order_that_is_absent_or_anothers_is_not_found(
    shop: Shop, ann: Actor, bob: Actor, operator: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    with pytest.raises(OrderNotFound):
        await pay(shop, uuid4(), operator)
    with pytest.raises(OrderNotFound):
        await shop.cancel_order(OrderChange(order_id=order_id, by=bob), reason=CancelReason.OTHER)
    assert (await shop.see(order_id)).version == 1


async def test_what_the_order_refuses_changes_nothing(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    with pytest.raises(NotAllowed):
        await pay(shop, order_id, ann)
    with pytest.raises(Overpayment):
        await pay(shop, order_id, operator, amount="20.01", key=a_key())
    assert (await shop.see(order_id)).version == 1
    assert not (await pay(shop, order_id, operator, key=a_key())).replayed, "a failure leaves no record of its key"
    with pytest.raises(PaymentKnown):
        await pay(shop, order_id, operator)
    assert (await shop.see(order_id)).version == 2


async def test_a_change_that_changes_nothing_gives_the_order_as_it_is(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    first = await pay(shop, order_id, SYSTEM)
    assert await pay(shop, order_id, SYSTEM) == first
    assert await shop.history(order_id) == ["order.placed", "order.payment_recorded"]


# On which version


async def test_a_change_meant_for_the_newest_version_is_made(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    assert (await pay(shop, order_id, operator, at=frozenset({1}))).order.version == 2
    assert (await pay(shop, order_id, operator, payment_id="2", at=frozenset({1, 2, 7}))).order.version == 3


@pytest.mark.parametrize("expected", [frozenset({1}), frozenset({3}), frozenset({1, 3}), frozenset()])
async def test_a_change_meant_for_another_version_is_refused(
    shop: Shop, ann: Actor, operator: Actor, expected: frozenset[int]
) -> None:
    order_id = await shop.an_order_of(ann)
    await pay(shop, order_id, operator)
    with pytest.raises(VersionMismatch) as refusal:
        await pay(shop, order_id, operator, payment_id="2", at=expected)
    assert refusal.value.current_version == 2
    assert (await shop.see(order_id)).version == 2


async def test_of_two_changes_meant_for_the_same_version_one_is_refused(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    outcomes = await asyncio.gather(
        *(pay(shop, order_id, operator, payment_id=name, at=frozenset({1})) for name in "ab"), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Answer", "VersionMismatch"]
    assert (await shop.see(order_id)).version == 2


# Once


async def test_a_repetition_gets_the_first_answer_whatever_happened_since(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    first = await pay(shop, order_id, operator, key=a_key(), at=frozenset({1}))
    await pay(shop, order_id, operator, payment_id="2", amount="15")
    again = await pay(shop, order_id, operator, key=a_key(), at=frozenset({1}))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order == first.order
    assert len((await shop.see(order_id)).payments) == 2


async def test_a_key_that_came_with_another_change_is_refused(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await pay(shop, order_id, operator, key=a_key(of="5"))
    with pytest.raises(IdempotencyKeyReused):
        await pay(shop, order_id, operator, payment_id="2", amount="6", key=a_key(of="6"))
    assert (await shop.see(order_id)).captured == "5.00"


async def test_a_change_that_changed_nothing_is_remembered_too(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    cancel = OrderChange(order_id=order_id, by=ann)
    await shop.cancel_order(cancel, reason=CancelReason.CUSTOMER_REQUEST)
    with_key = OrderChange(order_id=order_id, by=ann, idempotency_key=a_key())
    answers = [await shop.cancel_order(with_key, reason=CancelReason.CUSTOMER_REQUEST) for _ in range(2)]
    assert [answer.replayed for answer in answers] == [False, True]
    assert answers[0].order == answers[1].order
    assert await shop.history(order_id) == ["order.placed", "order.canceled"]


async def test_many_identical_changes_at_once_happen_once_and_get_identical_answers(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    answers = await asyncio.gather(*(pay(shop, order_id, operator, key=a_key()) for _ in range(20)))
    assert len({answer.order for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert (await shop.see(order_id)).captured == "5.00"


async def test_a_message_takes_effect_once_and_then_gives_the_order_as_it_is_now(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    message = ConsumedMessage("payments", "message-1")
    told = OrderChange(order_id=order_id, by=SYSTEM, message=message)
    first = await shop.record_payment(told, payment_id="a", amount="5", method="CARD")
    newest = await pay(shop, order_id, SYSTEM, payment_id="b")
    again = await shop.record_payment(told, payment_id="c", amount="5", method="CARD")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order == newest.order


async def test_the_same_message_many_times_at_once_takes_effect_once(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    told = OrderChange(order_id=order_id, by=SYSTEM, message=ConsumedMessage("payments", "message-1"))
    answers = await asyncio.gather(
        *(shop.record_payment(told, payment_id=str(n), amount="1", method="CARD") for n in range(20))
    )
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len((await shop.see(order_id)).payments) == 1


class TwinTransactions(InMemoryTransactions):
    """In which, right after the first look for a key finds nothing, `twin` happens: the same request, sent twice."""

    twin: Callable[[], Awaitable[object]] | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        transaction = InMemoryTransaction(self.store)
        transaction.answered = TwinAnsweredRequests(self)
        try:
            yield transaction
        finally:
            transaction.orders.let_go()


class TwinAnsweredRequests(InMemoryAnsweredRequests):
    def __init__(self, transactions: TwinTransactions) -> None:
        super().__init__(transactions.store)
        self._transactions = transactions

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None:
        found = await super().find(subject, key)
        twin, self._transactions.twin = self._transactions.twin, None
        if twin is not None:
            await twin()
        return found


@pytest.mark.parametrize("expected", [None, frozenset({1})])
async def test_a_repetition_that_overlaps_the_first_request_gets_its_answer(
    operator: Actor, expected: frozenset[int] | None
) -> None:
    transactions = TwinTransactions(Store())
    shop = Shop(transactions=transactions)
    order_id = await shop.an_order_of(await shop.customer())

    async def request() -> Answer:
        return await pay(shop, order_id, operator, key=a_key(), at=expected)

    answers = []

    async def twin() -> None:
        answers.append(await request())

    transactions.twin = twin
    answers.append(await request())
    assert answers[0].order == answers[1].order
    assert [answer.replayed for answer in answers] == [False, True]


# After all others


async def test_who_loses_a_race_is_made_again_on_the_newest_version(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await asyncio.gather(*(pay(shop, order_id, SYSTEM, payment_id=str(n), amount="1") for n in range(20)))
    order = await shop.see(order_id)
    assert order.status is Status.PAID
    assert {payment.payment_id for payment in order.payments} == {str(n) for n in range(20)}
    assert order.version == 1 + 20 + 1
    assert shop.cache.remembered[order_id].version == order.version


async def test_who_loses_a_race_against_what_makes_it_impossible_is_refused(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.pay(order_id)
    ship = shop.ship_order(OrderChange(order_id=order_id, by=SYSTEM))
    cancel = shop.cancel_order(OrderChange(order_id=order_id, by=ann), reason=CancelReason.CUSTOMER_REQUEST)
    outcomes = await asyncio.gather(ship, cancel, return_exceptions=True)
    assert [isinstance(outcome, IllegalTransition) for outcome in outcomes].count(True) == 1
    order = await shop.see(order_id)
    assert (order.status is Status.CANCELED) == (not order.shipments)
