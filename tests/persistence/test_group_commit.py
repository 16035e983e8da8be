"""What several requests commit at the same time shares a transaction, and no fate."""

import asyncio
from collections import Counter
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.transaction import SqlTransactions
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import (
    AccountNotFound,
    DependencyUnavailable,
    ExternalRefTaken,
    IdempotencyKeyTaken,
    MessageKnown,
    OrderChangedMeanwhile,
)
from order_service.domain.order import Order
from order_service.ports import AnsweredRequest
from tests.builders import a_registered_customer, an_order

MANY = 40

TRANSACTIONS = text("SELECT count(DISTINCT tx_id) FROM order_events")
CUT_OFF = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
""")
ORDERS = text("SELECT count(*) FROM orders")
WHOLE = text("""
    SELECT count(*) FROM orders JOIN order_events ON aggregateid = orders.id AND seq = orders.version
    JOIN idempotency ON order_id = orders.id AND idempotency.version = orders.version
""")


async def place(transactions: SqlTransactions, order: Order, key: str) -> None:
    async with transactions.begin() as tx:
        await tx.accounts.keep(order.customer_id)
        tx.orders.add(order)
        tx.answered.remember(order.customer_id, key, AnsweredRequest(fingerprint=b"", order_id=order.id, version=1))
        await tx.commit()


async def a_customer_of(transactions: SqlTransactions) -> UUID:
    customer = (await a_registered_customer(transactions)).only_own
    assert customer is not None
    return customer


async def numbers(engine: AsyncEngine) -> tuple[int, int, int]:
    """Of transactions, of orders, and of orders with all that belongs to them."""
    async with engine.connect() as connection:
        transactions, orders, whole = [await connection.scalar(what) for what in (TRANSACTIONS, ORDERS, WHOLE)]
    return int(transactions), int(orders), int(whole)


async def test_who_commits_at_the_same_time_shares_a_transaction(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    ann = await a_customer_of(transactions)
    await asyncio.gather(*(place(transactions, an_order(customer_id=ann), f"{n}") for n in range(MANY)))
    shared, orders, whole = await numbers(engine)
    assert (orders, whole) == (MANY, MANY)
    assert shared <= 3


async def test_who_is_refused_is_refused_alone_and_in_words_of_their_own(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    ann = await a_customer_of(transactions)
    await place(transactions, an_order(customer_id=ann, external_ref="PO-1"), "known")
    bad = [
        place(transactions, an_order(customer_id=ann), "known"),
        place(transactions, an_order(customer_id=ann, external_ref="PO-1"), "other"),
        place(transactions, an_order(), "nobody's"),
    ]
    good = [place(transactions, an_order(customer_id=ann), f"{n}") for n in range(MANY)]
    answers = await asyncio.gather(*good[:20], *bad, *good[20:], return_exceptions=True)
    assert [type(answer) for answer in answers[20:23]] == [IdempotencyKeyTaken, ExternalRefTaken, AccountNotFound]
    assert [answer for answer in answers if answer is not None] == answers[20:23]
    _, orders, whole = await numbers(engine)
    assert (orders, whole) == (MANY + 1, MANY + 1)


async def test_what_postgresql_cannot_take_harms_nobody_else(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    ann = await a_customer_of(transactions)
    bad = an_order(customer_id=ann)
    bad.metadata = {"key": "\x00"}  # which the domain refuses; here it stands for whatever nobody thought of
    placing = [place(transactions, an_order(customer_id=ann), f"{n}") for n in range(MANY)]
    answers = await asyncio.gather(place(transactions, bad, "bad"), *placing, return_exceptions=True)
    assert isinstance(answers[0], DBAPIError)
    assert answers[1:] == [None] * MANY
    _, orders, whole = await numbers(engine)
    assert (orders, whole) == (MANY, MANY)


async def test_who_gives_up_harms_nobody_and_leaves_nothing_half_done(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    ann = await a_customer_of(transactions)
    placing = [asyncio.ensure_future(place(transactions, an_order(customer_id=ann), f"{n}")) for n in range(MANY)]
    for task in placing[::2]:
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*placing, return_exceptions=True)
    await transactions.close()
    assert [task.exception() for task in placing[1::2]] == [None] * (MANY // 2)
    _, orders, whole = await numbers(engine)
    assert MANY // 2 <= orders == whole


async def test_a_connection_that_is_cut_off_is_said_to_be_so_and_replaced(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    ann = await a_customer_of(transactions)

    async def place_many(kind: str) -> list[BaseException | None]:
        placing = [place(transactions, an_order(customer_id=ann), f"{kind}{n}") for n in range(MANY)]
        return await asyncio.gather(*placing, return_exceptions=True)

    await place_many("before")
    async with engine.connect() as connection:
        await connection.execute(CUT_OFF)
    for answer in await place_many("amid"):
        assert answer is None or isinstance(answer, DependencyUnavailable)
    await place_many("while the pool finds out")
    assert await place_many("after") == [None] * MANY


async def test_who_waits_for_another_holds_up_nobody(engine: AsyncEngine) -> None:
    """The account is locked, as by an erasure: its order waits, all others do not."""
    transactions = SqlTransactions(engine)
    ann, bob = await a_customer_of(transactions), await a_customer_of(transactions)
    async with transactions.begin() as erasure:
        await erasure.erasing.hold(ann)
        waiting = asyncio.ensure_future(place(transactions, an_order(customer_id=ann), "waits"))
        await asyncio.gather(*(place(transactions, an_order(customer_id=bob), f"{n}") for n in range(MANY)))
        assert not waiting.done()
    await waiting
    _, orders, whole = await numbers(engine)
    assert (orders, whole) == (MANY + 1, MANY + 1)


async def pay(transactions: SqlTransactions, order_id: UUID, message_id: str) -> None:
    async with transactions.begin() as tx:
        order = await tx.orders.get(order_id, only_of=None)
        if not await tx.inbox.has("payments", message_id):
            order.record_payment(
                payment_id=message_id, amount=order.open_amount, method="CARD", by=SYSTEM, at=order.placed_at
            )
            tx.orders.save(order)
            tx.inbox.add("payments", message_id)
            await tx.commit()


async def some_orders(transactions: SqlTransactions, number: int) -> list[UUID]:
    orders = [an_order() for _ in range(number)]
    async with transactions.begin() as tx:
        for order in orders:
            tx.orders.add(order)
        await tx.commit()
    return [order.id for order in orders]


async def test_what_many_messages_change_at_the_same_time_shares_a_transaction(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    orders = await some_orders(transactions, MANY)
    await asyncio.gather(*(pay(transactions, order_id, f"message-{order_id}") for order_id in orders))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM orders WHERE status = 'PAID'")) == MANY
        assert await connection.scalar(text("SELECT count(*) FROM inbox")) == MANY
        assert int(await connection.scalar(TRANSACTIONS) or 0) < MANY / 4
    heard = await asyncio.gather(
        *(pay(transactions, order_id, f"message-{order_id}") for order_id in orders), return_exceptions=True
    )
    assert set(heard) == {None}  # known, all of them


async def test_a_message_that_is_there_twice_at_the_same_time_takes_effect_once(engine: AsyncEngine) -> None:
    transactions = SqlTransactions(engine)
    orders = await some_orders(transactions, MANY)
    outcomes = await asyncio.gather(
        *(pay(transactions, order_id, "the same") for order_id in orders), return_exceptions=True
    )
    assert Counter(map(type, outcomes)) == {type(None): 1, MessageKnown: MANY - 1}
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM orders WHERE status = 'PAID'")) == 1
        assert await connection.scalar(text("SELECT count(*) FROM order_events WHERE seq > 1")) == 2


async def test_of_two_messages_for_one_order_at_the_same_time_one_is_too_late_and_leaves_no_trace(
    engine: AsyncEngine,
) -> None:
    transactions = SqlTransactions(engine)
    [order_id] = await some_orders(transactions, 1)
    outcomes = await asyncio.gather(
        *(pay(transactions, order_id, f"message-{n}") for n in range(2)), return_exceptions=True
    )
    assert Counter(map(type, outcomes)) == {type(None): 1, OrderChangedMeanwhile: 1}
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM inbox")) == 1
