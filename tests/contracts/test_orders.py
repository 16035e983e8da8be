"""The promises of `Orders` and of the `Transaction` around them."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from order_service.domain.actor import SYSTEM
from order_service.domain.errors import (
    ExternalRefTaken,
    IdempotencyKeyTaken,
    MessageKnown,
    OrderChangedMeanwhile,
    OrderNotFound,
    OrderNumberTaken,
    OrderServiceError,
)
from order_service.domain.lifecycle import CancelReason
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.ports import AnsweredRequest, Transaction
from tests.builders import (
    CANCEL_WINDOW,
    NOON,
    a_canceled_order,
    a_customer,
    a_delivered_order,
    a_line_request,
    a_paid_order,
    a_shipped_order,
    after,
    an_operator,
    an_order,
)
from tests.conftest import PARALLEL
from tests.contracts.conftest import Persistence


def a_processed_order() -> Order:
    order = an_order()
    order.process([], by=SYSTEM, at=after(minutes=1))
    return order


def a_rejected_order() -> Order:
    order = a_paid_order()
    order.process(["Too much.", "Too many."], by=SYSTEM, at=after(minutes=1))
    return order


def an_overpaid_order() -> Order:
    order = a_paid_order()
    pay(order, "twice", "20.00")
    return order


def a_partly_refunded_order() -> Order:
    order = a_rejected_order()
    for refund_id, amount in (("first", 500), ("second", 1)):
        money = Money(amount, "EUR")
        order.record_refund(refund_id=refund_id, amount=money, reason="", by=SYSTEM, at=after(minutes=2))
    return order


def an_order_with_everything() -> Order:
    """Three lines that look alike but for one thing, one parcel of two arrived, texts of every script."""
    lines = [
        a_line_request(name="Ünïcödé 🫖 \\ \" ' / 茶", sku=None, quantity=1_000_000, unit_price="0.01"),
        a_line_request(name="Blue mug", sku="A", quantity=3, unit_price="90000000000.99"),
        a_line_request(name="Blue mug", sku="B", quantity=3, unit_price="0"),
    ]
    order = an_order(
        lines=lines,
        external_ref="po/2026 №7",
        metadata={"zeta": "first", "a": "", "long key with spaces": "x" * 500, "B": "🫖", "aa": "last"},
    )
    pay(order, "first half", "0.50")
    order.record_payment(
        payment_id="second half", amount=order.open_amount, method="BANK", by=SYSTEM, at=after(hours=1)
    )
    some = [LineQuantity(lines[0].line_id, 5), LineQuantity(lines[2].line_id, 1)]
    order.ship(shipment_id="one", lines=some, carrier="DHL", tracking="J 1", by=SYSTEM, at=after(hours=2))
    order.ship(shipment_id="two", carrier=None, by=an_operator(), at=after(hours=3, minutes=1 / 60e6))
    order.deliver("one", by=SYSTEM, at=after(hours=4))
    return order


def an_order_in_yen() -> Order:
    return an_order(currency="JPY", lines=[a_line_request(unit_price="9223372036854775807", quantity=1)])


def an_order_in_dinars() -> Order:
    return an_order(currency="KWD", lines=[a_line_request(unit_price="1.005")])


def a_free_order() -> Order:
    return an_order(lines=[a_line_request(unit_price="0")])


def an_order_of_200_lines() -> Order:
    return an_order(lines=[a_line_request(quantity=n) for n in range(1, 201)])


ORDERS: list[Callable[[], Order]] = [
    an_order,
    a_processed_order,
    a_rejected_order,
    a_paid_order,
    an_overpaid_order,
    a_partly_refunded_order,
    a_shipped_order,
    a_delivered_order,
    a_canceled_order,
    an_order_with_everything,
    an_order_in_yen,
    an_order_in_dinars,
    a_free_order,
    an_order_of_200_lines,
]


def pay(order: Order, payment_id: str, amount: str) -> None:
    order.record_payment(
        payment_id=payment_id,
        amount=Money.parse(amount, order.currency, field="amount"),
        method="CARD",
        by=SYSTEM,
        at=after(minutes=5),
    )


def answered_with(order: Order) -> AnsweredRequest:
    return AnsweredRequest(fingerprint=b"\x00\xff", order_id=order.id, version=order.version)


@pytest.mark.parametrize("an_order_of_that_kind", ORDERS)
async def test_an_order_comes_back_as_it_was_added_in_every_field(
    persistence: Persistence, an_order_of_that_kind: Callable[[], Order]
) -> None:
    order = an_order_of_that_kind()
    await persistence.add(order)
    known = await persistence.get(order)
    assert known == order
    assert known is not order
    assert known.total == order.total
    assert known.take_events() == []


@pytest.mark.parametrize("an_order_of_that_kind", ORDERS)
async def test_an_order_comes_back_as_it_was_saved_in_every_field(
    persistence: Persistence, an_order_of_that_kind: Callable[[], Order]
) -> None:
    order = an_order_of_that_kind()
    await persistence.add(order)
    known = await persistence.get(order)
    pay(known, "more", "1")
    await persistence.save(known)
    assert await persistence.get(order) == known
    assert known.payments[:-1] == order.payments


async def test_an_absent_order_is_not_found(persistence: Persistence) -> None:
    async with persistence.transactions.begin() as tx:
        with pytest.raises(OrderNotFound):
            await tx.orders.get(uuid4(), only_of=None)


@pytest.mark.parametrize("lock", [False, True])
async def test_anothers_order_is_not_found_and_ones_own_is(persistence: Persistence, lock: bool) -> None:
    customer, stranger = a_customer(), a_customer()
    order = an_order(by=customer)
    await persistence.add(order)
    async with persistence.transactions.begin() as tx:
        with pytest.raises(OrderNotFound):
            await tx.orders.get(order.id, only_of=stranger.only_own, lock=lock)
        assert await tx.orders.get(order.id, only_of=customer.only_own, lock=lock) == order


async def test_a_change_that_is_not_saved_stays_unsaved(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    known = await persistence.get(order)
    pay(known, "unsaved", "20.00")
    assert (await persistence.get(order)).payments == ()


async def test_a_change_after_saving_is_not_part_of_what_was_saved(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    async with persistence.transactions.begin() as tx:
        known = await tx.orders.get(order.id, only_of=None)
        pay(known, "saved", "5.00")
        tx.orders.save(known)
        pay(known, "too late", "5.00")
        await tx.commit()
    assert [payment.payment_id for payment in (await persistence.get(order)).payments] == ["saved"]


async def test_saving_an_order_that_did_not_change_stages_nothing(persistence: Persistence) -> None:
    order = an_order()
    [added] = await persistence.add(order)
    async with persistence.transactions.begin() as tx:
        known = await tx.orders.get(order.id, only_of=None)
        changed = await persistence.get(order)
        pay(changed, "meanwhile", "5.00")
        await persistence.save(changed)
        assert tx.orders.save(known) == added
        await tx.commit()  # no lost race, for there is nothing to write
    assert await persistence.get(order) == changed


async def test_what_is_staged_is_invisible_before_commit(persistence: Persistence) -> None:
    new, old = an_order(), an_order()
    await persistence.add(old)
    async with persistence.transactions.begin() as tx:
        known = await tx.orders.get(old.id, only_of=None)
        pay(known, "uncommitted", "5.00")
        tx.orders.save(known)
        tx.orders.add(new)
        assert not await persistence.has(new)
        assert (await persistence.get(old)).version == 1
        await tx.commit()
    assert await persistence.has(new)
    assert (await persistence.get(old)).version == 2


async def test_leaving_without_commit_leaves_no_trace(persistence: Persistence) -> None:
    new, old, subject = an_order(), an_order(), uuid4()
    await persistence.add(old)
    async with persistence.transactions.begin() as tx:
        known = await tx.orders.get(old.id, only_of=None, lock=True)
        pay(known, "given up", "5.00")
        tx.orders.save(known)
        tx.orders.add(new)
        tx.answered.remember(subject, "key", answered_with(new))
        tx.inbox.add("consumer", "message")
    assert not await persistence.has(new)
    assert await persistence.get(old) == old
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "key") is None
        assert not await tx.inbox.has("consumer", "message")


async def test_an_error_inside_leaves_no_trace_and_comes_out_as_it_is(persistence: Persistence) -> None:
    class OfTheCaller(Exception):
        pass

    order = an_order()

    def stumble(tx: Transaction) -> None:
        tx.orders.add(order)
        raise OfTheCaller

    with pytest.raises(OfTheCaller):
        await persistence.commit(stumble)
    assert not await persistence.has(order)


async def test_a_lost_update_is_refused_and_writes_nothing(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    first, second = await persistence.get(order), await persistence.get(order)
    pay(first, "first", "5.00")
    pay(second, "second", "6.00")
    await persistence.save(first)
    subject, another = uuid4(), an_order()
    with pytest.raises(OrderChangedMeanwhile):
        await persistence.commit(
            lambda tx: tx.orders.add(another),
            lambda tx: tx.orders.save(second),
            lambda tx: tx.answered.remember(subject, "key", answered_with(second)),
            lambda tx: tx.inbox.add("consumer", "message"),
        )
    assert await persistence.get(order) == first
    assert [event.seq for event in await persistence.views.events(order.id, after_seq=0, limit=9)] == [1, 2]
    assert not await persistence.has(another)
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "key") is None
        assert not await tx.inbox.has("consumer", "message")


async def test_a_taken_idempotency_key_leaves_nothing_of_the_transaction(persistence: Persistence) -> None:
    subject, first, second = uuid4(), an_order(), an_order()
    await persistence.commit(
        lambda tx: tx.orders.add(first),
        lambda tx: tx.answered.remember(subject, "key", answered_with(first)),
    )
    with pytest.raises(IdempotencyKeyTaken):
        await persistence.commit(
            lambda tx: tx.orders.add(second),
            lambda tx: tx.answered.remember(subject, "key", answered_with(second)),
        )
    assert not await persistence.has(second)


async def test_a_taken_external_ref_leaves_nothing_of_the_transaction(persistence: Persistence) -> None:
    customer, subject = a_customer(), uuid4()
    first = an_order(by=customer, external_ref="PO-1")
    second = an_order(by=customer, external_ref="PO-1")
    await persistence.add(first)
    with pytest.raises(ExternalRefTaken):
        await persistence.commit(
            lambda tx: tx.orders.add(second),
            lambda tx: tx.answered.remember(subject, "key", answered_with(second)),
            lambda tx: tx.inbox.add("consumer", "message"),
        )
    assert not await persistence.has(second)
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "key") is None
        assert not await tx.inbox.has("consumer", "message")


async def test_two_customers_may_use_the_same_external_ref_and_one_may_use_none_twice(
    persistence: Persistence,
) -> None:
    customer = a_customer()
    orders = [
        an_order(by=customer, external_ref="PO-1"),
        an_order(external_ref="PO-1"),
        an_order(by=customer),
        an_order(by=customer),
    ]
    await persistence.add(*orders)
    assert [await persistence.get(order) for order in orders] == orders


async def test_a_taken_order_number_is_refused(persistence: Persistence) -> None:
    first = an_order()
    second = an_order(number=first.number)
    await persistence.add(first)
    with pytest.raises(OrderNumberTaken):
        await persistence.add(second)
    assert not await persistence.has(second)


async def test_the_taken_key_is_told_before_all_else(persistence: Persistence) -> None:
    """A request that comes again meets its own external_ref and number too; it must learn that it comes again."""
    subject, order = uuid4(), an_order(external_ref="PO-1")
    again = an_order(by=a_customer(order.customer_id), external_ref="PO-1", number=order.number)
    await persistence.commit(
        lambda tx: tx.orders.add(order),
        lambda tx: tx.answered.remember(subject, "key", answered_with(order)),
    )
    with pytest.raises(IdempotencyKeyTaken):
        await persistence.commit(
            lambda tx: tx.orders.add(again),
            lambda tx: tx.answered.remember(subject, "key", answered_with(again)),
        )


async def test_a_message_that_comes_again_is_refused_however_it_is_noticed(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    first, again = await persistence.get(order), await persistence.get(order)
    for copy_of_it in (first, again):
        pay(copy_of_it, "payment-1", "5.00")
    await persistence.commit(lambda tx: tx.orders.save(first), lambda tx: tx.inbox.add("payments", "message"))
    with pytest.raises((MessageKnown, OrderChangedMeanwhile)):
        await persistence.commit(lambda tx: tx.orders.save(again), lambda tx: tx.inbox.add("payments", "message"))
    assert await persistence.get(order) == first
    assert len(await persistence.views.events(order.id, after_seq=0, limit=9)) == first.version


async def test_of_many_writers_who_loaded_the_same_version_exactly_one_wins(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    all_have_loaded = asyncio.Barrier(PARALLEL)

    async def write(n: int) -> None:
        async with persistence.transactions.begin() as tx:
            known = await tx.orders.get(order.id, only_of=None)
            await all_have_loaded.wait()
            pay(known, f"payment-{n}", "0.01")
            tx.orders.save(known)
            await tx.commit()

    outcomes = await asyncio.gather(*map(write, range(PARALLEL)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert all(outcome is None or isinstance(outcome, OrderChangedMeanwhile) for outcome in outcomes)
    changed = await persistence.get(order)
    assert changed.version == 2
    assert changed.payments[0].payment_id == f"payment-{outcomes.index(None)}"


async def test_of_many_writers_who_race_freely_every_success_is_exactly_one_version(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    successes: list[str] = []

    async def write(n: int) -> None:
        for attempt in range(3):
            async with persistence.transactions.begin() as tx:
                known = await tx.orders.get(order.id, only_of=None)
                pay(known, f"payment-{n}-{attempt}", "0.01")
                tx.orders.save(known)
                try:
                    await tx.commit()
                except OrderChangedMeanwhile:
                    continue
                successes.append(f"payment-{n}-{attempt}")

    await asyncio.gather(*map(write, range(PARALLEL)))
    changed = await persistence.get(order)
    assert changed.version == 1 + len(successes)
    assert {payment.payment_id for payment in changed.payments} == set(successes)
    history = await persistence.views.events(order.id, after_seq=0, limit=100)
    assert [event.seq for event in history] == list(range(1, changed.version + 1))


async def test_writers_who_lock_all_succeed_one_after_the_other(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    inside = 0

    async def write(n: int) -> None:
        nonlocal inside
        async with persistence.transactions.begin() as tx:
            known = await tx.orders.get(order.id, only_of=None, lock=True)
            assert known.version == 1 + inside
            inside += 1
            pay(known, f"payment-{n}", "0.01")
            tx.orders.save(known)
            await tx.commit()

    await asyncio.gather(*map(write, range(PARALLEL)))
    assert (await persistence.get(order)).version == 1 + PARALLEL


@pytest.mark.parametrize("holder_commits", [True, False])
async def test_a_writer_without_the_lock_waits_for_the_one_who_has_it(
    persistence: Persistence, holder_commits: bool
) -> None:
    order = an_order()
    await persistence.add(order)
    late = await persistence.get(order)
    pay(late, "late", "0.01")
    async with persistence.transactions.begin() as tx:
        known = await tx.orders.get(order.id, only_of=None, lock=True)
        pay(known, "holder", "0.01")
        tx.orders.save(known)
        without = asyncio.create_task(persistence.save(late))
        _, waiting = await asyncio.wait({without}, timeout=0.1)
        assert waiting
        if holder_commits:
            await tx.commit()
    if holder_commits:
        with pytest.raises(OrderChangedMeanwhile):
            await without
    else:
        await without
    winner = "holder" if holder_commits else "late"
    assert [payment.payment_id for payment in (await persistence.get(order)).payments] == [winner]


async def test_who_has_the_lock_wins_against_one_who_comes_with_the_same_key(persistence: Persistence) -> None:
    """And neither waits for the other: one at the order for the key, the other at the key for the order."""
    order, subject = an_order(), uuid4()
    await persistence.add(order)
    late = await persistence.get(order)
    pay(late, "late", "0.01")
    async with persistence.transactions.begin() as tx:
        known = await tx.orders.get(order.id, only_of=None, lock=True)
        without = asyncio.create_task(
            persistence.commit(
                lambda tx: tx.orders.save(late),
                lambda tx: tx.answered.remember(subject, "key", answered_with(late)),
            )
        )
        _, waiting = await asyncio.wait({without}, timeout=0.1)
        pay(known, "holder", "0.01")
        tx.orders.save(known)
        tx.answered.remember(subject, "key", answered_with(known))
        await tx.commit()
    assert waiting
    with pytest.raises((IdempotencyKeyTaken, OrderChangedMeanwhile)):
        await without
    assert [payment.payment_id for payment in (await persistence.get(order)).payments] == ["holder"]


async def test_a_locked_order_can_be_read_meanwhile_and_others_can_be_changed(persistence: Persistence) -> None:
    locked, other = an_order(), an_order()
    await persistence.add(locked, other)
    async with persistence.transactions.begin() as tx:
        await tx.orders.get(locked.id, only_of=None, lock=True)
        assert await persistence.get(locked) == locked
        pay(other, "meanwhile", "1.00")
        await persistence.save(other)
    assert (await persistence.get(other)).version == 2


async def test_of_many_orders_with_the_same_external_ref_exactly_one_is_kept(persistence: Persistence) -> None:
    customer = a_customer()
    orders = [an_order(by=customer, external_ref="PO-1") for _ in range(PARALLEL)]
    outcomes = await asyncio.gather(*map(persistence.add, orders), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, OrderServiceError)]
    assert {type(outcome) for outcome in refused} == {ExternalRefTaken}
    assert len(refused) == PARALLEL - 1
    assert [await persistence.has(order) for order in orders].count(True) == 1


async def test_a_cancellation_keeps_its_reason_and_note(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    known = await persistence.get(order)
    known.cancel(
        reason=CancelReason.FRAUD, note="Ünïcödé\u2028", window=CANCEL_WINDOW, by=an_operator(), at=after(minutes=1)
    )
    await persistence.save(known)
    assert (await persistence.get(order)).cancellation == known.cancellation


async def test_the_unpaid_are_pending_and_the_longest_overdue_is_claimed_first(persistence: Persistence) -> None:
    orders = [an_order(pay_by=after(minutes=minutes)) for minutes in (4, 2, 3, 1)]
    paid = a_paid_order(pay_by=NOON)
    in_part = an_order(pay_by=after(minutes=2.5))
    pay(in_part, "half", "10.00")
    canceled = a_canceled_order(pay_by=NOON)
    await persistence.add(*orders, paid, in_part, canceled, an_order(pay_by=after(minutes=5)))
    claimed = []
    while True:
        async with persistence.transactions.begin() as tx:
            order = await tx.orders.claim_unpaid(pay_by_before=after(minutes=4))
            if order is None:
                break
            claimed.append(order.id)
            order.cancel(reason=CancelReason.EXPIRED, window=CANCEL_WINDOW, by=SYSTEM, at=after(hours=1))
            tx.orders.save(order)
            await tx.commit()
    assert claimed == [orders[3].id, orders[1].id, in_part.id, orders[2].id, orders[0].id]


async def test_an_order_that_somebody_has_claimed_is_passed_over(persistence: Persistence) -> None:
    first, second = an_order(pay_by=after(minutes=1)), an_order(pay_by=after(minutes=2))
    await persistence.add(first, second)
    async with persistence.transactions.begin() as one, persistence.transactions.begin() as other:
        claims = [await tx.orders.claim_unpaid(pay_by_before=after(minutes=2)) for tx in (one, other)]
        assert [order and order.id for order in claims] == [first.id, second.id]
        async with persistence.transactions.begin() as late:
            assert await late.orders.claim_unpaid(pay_by_before=after(minutes=2)) is None
    async with persistence.transactions.begin() as tx:
        again = await tx.orders.claim_unpaid(pay_by_before=after(minutes=2))
    assert again is not None
    assert again.id == first.id


async def test_what_was_flushed_is_found_by_its_transaction_and_by_nobody_else(persistence: Persistence) -> None:
    order, other = an_order(), an_order()
    await persistence.add(other)
    async with persistence.transactions.begin() as tx:
        tx.orders.add(order)
        await tx.flush()
        known = await tx.orders.get(order.id, only_of=None)
        pay(known, "all", "20.00")
        tx.orders.save(known)
        await tx.flush()
        assert (await tx.orders.get(order.id, only_of=None)).version == known.version
        assert not await persistence.has(order)
        await tx.commit()
    assert (await persistence.get(order)).version == known.version
    seqs = [event.seq for event in await persistence.views.events(order.id, after_seq=0, limit=9)]
    assert seqs == list(range(1, known.version + 1))


async def test_what_was_flushed_and_not_committed_leaves_no_trace(persistence: Persistence) -> None:
    order = an_order()
    async with persistence.transactions.begin() as tx:
        tx.orders.add(order)
        await tx.flush()
    assert not await persistence.has(order)
