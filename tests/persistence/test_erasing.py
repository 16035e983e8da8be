"""After an erasure nothing that a person wrote is anywhere in the database, and the books are as true as before."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.embedded.known_origins import InProcessKnownOrigins
from adapters.embedded.order_cache import InProcessOrderCache
from adapters.embedded.rate_limiter import InProcessRateLimiter
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.rebuilding import rebuild
from adapters.persistence.sessions import SqlEndedSessions
from adapters.persistence.transaction import SqlTransactions
from adapters.system import RandomIds, SystemClock
from order_service.domain.account import Account
from order_service.domain.actor import Actor, Role
from order_service.domain.errors import AccountChangedMeanwhile, EmailTaken, OrderServiceError, OrdersOpen
from order_service.domain.order import Order
from order_service.domain.rules import ShopRules
from order_service.domain.session import Session
from order_service.ports import AnsweredRequest
from order_service.use_cases.change_account import ChangeAccount
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.guessing import Guessing, GuessingRules
from order_service.use_cases.idempotency import IdempotencyKey
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.views import RenderedOrder
from tests.builders import NOON, a_canceled_order, a_customer
from tests.in_memory.security import PlainPasswords
from tests.persistence.test_consistency import findings, of_all_kinds, save
from tests.personal import (
    MARK,
    a_canceled_order_full_of_personal_data,
    an_order_full_of_personal_data,
    personal,
)

A_MONTH = timedelta(days=30)
EMAIL = f"{MARK}@example.com"

COLUMNS = text("""
    SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables
        USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        AND NOT (SELECT relispartition FROM pg_class WHERE oid = table_name::regclass)
""")
"""Of whatever type: as text, everything can be searched. Bytes show as \\x and hexadecimal digits."""

BOOKS = text("""
    SELECT o.id, o.number, o.customer_id, o.status, o.processing_status, o.payment_status, o.fulfillment_status,
           o.return_status, o.currency, o.total, o.skus, o.lines_fingerprint, o.pay_by, o.placed_at,
           o.body::jsonb -> 'lines', o.body::jsonb -> 'payments', o.body ->> 'captured',
           o.body ->> 'refunded', o.body ->> 'refund_due', o.version
    FROM orders o ORDER BY o.id
""")
LOG = text("""
    SELECT position, tx_id::text, id, aggregateid, seq, type, occurred_at, payload -> 'actor',
           payload -> 'order' -> 'version', payload -> 'order' -> 'lines', payload -> 'order' -> 'total'
    FROM order_events WHERE type <> 'order.redacted' ORDER BY position
""")


async def places_of(engine: AsyncEngine, mark: str) -> list[str]:
    """Every column of every table in which the mark is found."""
    found = []
    async with engine.connect() as connection:
        for table, column in (await connection.execute(COLUMNS)).all():
            hits = f"""SELECT count(*) FROM "{table}" t
                       WHERE "{column}"::text ILIKE '%{mark}%' OR "{column}"::text LIKE '%{mark.encode().hex()}%'"""
            if await connection.scalar(text(hits)):
                found.append(f"{table}.{column}")
    return sorted(found)


async def rows(engine: AsyncEngine, query: Any) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(query)]


def finishing(engine: AsyncEngine) -> FinishErasures:
    return FinishErasures(SqlTransactions(engine), InProcessOrderCache(), SystemClock())


def erasing(engine: AsyncEngine, finish: FinishErasures | None = None) -> EraseAccount:
    guessing = Guessing(InProcessRateLimiter(), InProcessKnownOrigins(), GuessingRules(key=b"a key for tests"))
    change_account = ChangeAccount(SqlTransactions(engine), PlainPasswords(), guessing, SystemClock())
    return EraseAccount(SqlTransactions(engine), change_account, finish or finishing(engine), SystemClock())


async def an_account(engine: AsyncEngine, email: str = EMAIL, role: Role = Role.CUSTOMER) -> Account:
    account = Account.register(
        id=uuid4(), email=email, password_hash=f"hash {personal('password')}", at=NOON, role=role
    )
    async with SqlTransactions(engine).begin() as tx:
        tx.accounts.add(account)
        for number in range(2):
            secret = (MARK + str(number)).encode()
            session = Session.begin(
                id=uuid4(), account_id=account.id, secret=secret, at=NOON, lifetime=3 * (NOON - NOON)
            )
            session.token_hash = secret  # as if it were no hash: to be recognized
            tx.sessions.add(session, of=account)
        await tx.commit()
    return account


async def keep_orders(engine: AsyncEngine, account: Account, number: int = 1) -> list[Order]:
    """All of them over, each with all that can be written on it, and the keys that it was asked for with."""
    orders = []
    for _ in range(number):
        orders.append(an_order_full_of_personal_data(by=a_customer(account.id)))
        orders.append(a_canceled_order_full_of_personal_data(by=a_customer(account.id)))
        orders.append(a_canceled_order(by=a_customer(account.id)))
    await save(engine, *orders)
    async with SqlTransactions(engine).begin() as tx:
        for order in orders:
            fingerprint = MARK.encode()
            tx.answered.remember(
                account.id, personal("key"), AnsweredRequest(fingerprint=fingerprint, order_id=order.id, version=1)
            )
        await tx.commit()
    return orders


async def test_in_the_whole_database_nothing_personal_is_left_and_every_invariant_holds(engine: AsyncEngine) -> None:
    ann = await an_account(engine)
    await save(engine, *of_all_kinds())
    orders = await keep_orders(engine, ann)
    assert await places_of(engine, MARK) == [
        "accounts.email",
        "accounts.password_hash",
        "idempotency.fingerprint",
        "idempotency.key",
        "order_events.payload",
        "orders.body",
        "orders.external_ref",
        "orders.metadata",
        "sessions.token_hash",
    ]
    async with SqlEventLog(engine).reader("relay") as reader:
        await reader.advance((await reader.next_batch(5))[-1].at)
    books, log = await rows(engine, BOOKS), await rows(engine, LOG)
    assert await findings(engine) == {}

    assert await erasing(engine).by_email(EMAIL) == len(orders)

    assert await places_of(engine, MARK) == []
    assert await findings(engine) == {}
    mine = {order.id for order in orders}
    assert await rows(engine, BOOKS) == [(*row[:-1], row[-1] + (row[0] in mine)) for row in books]
    assert await rows(engine, LOG) == log
    assert await rows(engine, text("SELECT * FROM erasures")) == []
    assert [written async for _, written in rebuild(engine)] == [0]
    async with engine.connect() as connection:
        known = await connection.execute(text("SELECT id, role, created_at, erased_at IS NOT NULL FROM accounts"))
        assert [tuple(row) for row in known] == [(ann.id, "customer", NOON, True)]


async def test_an_order_reads_the_same_from_its_row_and_from_every_event(engine: AsyncEngine) -> None:
    ann = await an_account(engine)
    [order, *_] = await keep_orders(engine, ann)
    await erasing(engine).by_email(EMAIL)
    views = SqlOrderViews(engine)
    newest = await views.get(order.id)
    assert newest == await views.at_version(order.id, newest.version)
    for event in await views.events(order.id, after_seq=0, limit=100):
        assert (await views.at_version(order.id, event.seq)).version <= newest.version
        assert event.change.get("reason") in {None, ""}


async def test_addresses_and_references_are_free_again_and_many_may_be_erased(engine: AsyncEngine) -> None:
    for _ in range(3):
        ann = await an_account(engine)
        await save(engine, a_canceled_order(by=a_customer(ann.id), external_ref="web-1"))
        await erasing(engine).by_email(EMAIL)
    assert await rows(engine, text("SELECT count(*) FROM accounts WHERE email IS NULL")) == [(3,)]
    await an_account(engine)
    with pytest.raises(EmailTaken):
        await an_account(engine)


async def test_every_process_hears_that_the_sessions_have_ended(engine: AsyncEngine) -> None:
    await an_account(engine)
    [first, second] = [row[0] for row in await rows(engine, text("SELECT id FROM sessions"))]
    ended = SqlEndedSessions(engine, token_lifetime=A_MONTH)
    await erasing(engine).by_email(EMAIL)
    await ended.look()
    assert ended.has(first)
    assert ended.has(second)


async def test_who_read_an_account_before_it_was_erased_does_not_bring_it_back(engine: AsyncEngine) -> None:
    ann = await an_account(engine)
    async with SqlTransactions(engine).begin() as tx:
        known = await tx.accounts.get(ann.id)
        await erasing(engine).by_email(EMAIL)
        known.password_hash = "another"
        tx.accounts.save(known)
        with pytest.raises(AccountChangedMeanwhile):
            await tx.commit()
    assert await places_of(engine, MARK) == []


async def test_of_two_admins_who_erase_themselves_at_once_one_stays(engine: AsyncEngine) -> None:
    for n in range(2):
        await an_account(engine, f"{n}@example.com", Role.ADMIN)
    outcomes = await asyncio.gather(
        *(erasing(engine).by_email(f"{n}@example.com") for n in range(2)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdmin", "int"]


class Dying(InProcessOrderCache):
    """As if the process died right after its second batch was committed."""

    def __init__(self) -> None:
        super().__init__()
        self._orders_told = 0

    async def put(self, order: RenderedOrder) -> None:
        self._orders_told += 1
        if self._orders_told > 50:
            raise ConnectionAbortedError
        await super().put(order)


async def test_what_was_interrupted_goes_on_where_it_was_whoever_goes_on(engine: AsyncEngine) -> None:
    orders = await keep_orders(engine, await an_account(engine), number=50)
    dying = FinishErasures(SqlTransactions(engine), Dying(), SystemClock())
    with pytest.raises(ConnectionAbortedError):
        await erasing(engine, dying).by_email(EMAIL)
    assert await rows(
        engine, text("SELECT count(*) FROM orders WHERE version > 1 AND body ->> 'redacted_at' > ''")
    ) == [(100,)]
    assert await findings(engine) == {}
    several = await asyncio.gather(*(finishing(engine)() for _ in range(4)))
    assert sum(several) == len(orders) - 100
    assert await rows(engine, text("SELECT count(*) FROM order_events WHERE type = 'order.redacted'")) == [
        (len(orders),)
    ]
    assert await places_of(engine, MARK) == []
    assert await findings(engine) == {}
    assert await rows(engine, text("SELECT * FROM erasures")) == []


async def test_whatever_is_placed_or_changed_at_the_same_moment_nothing_personal_remains(engine: AsyncEngine) -> None:
    ann = await an_account(engine)
    orders = await keep_orders(engine, ann, number=5)
    transactions, views, clock = SqlTransactions(engine), SqlOrderViews(engine), SystemClock()
    change_order = ChangeOrder(transactions, views, InProcessOrderCache(), clock)
    place_order = PlaceOrder(transactions, views, clock, RandomIds(), ShopRules())
    owner, staff = Actor.account(ann.id, Role.CUSTOMER), Actor.account(uuid4(), Role.OPERATOR)

    def a_key(by: Actor) -> IdempotencyKey | None:
        return IdempotencyKey(key=personal("key"), fingerprint=MARK.encode()) if by is owner else None

    async def place(by: Actor) -> None:
        await place_order(
            PlaceOrderCommand(
                by=by,
                currency="EUR",
                lines=[WantedLine(name="Mug", quantity=1, unit_price="0")],
                customer_id=ann.id,
                external_ref=personal("ref"),
                idempotency_key=a_key(by),
            )
        )

    async def note(order: Order, by: Actor) -> None:
        def ask(known: Order, at: Any) -> None:
            known.request_return(return_id="new", lines=None, reason=personal("late"), by=by, at=at)
            known.refuse_return("new", note=personal("late"), by=staff, at=at)

        await change_order(OrderChange(order_id=order.id, by=by, idempotency_key=a_key(by)), ask)

    async def erase() -> int:
        while True:
            try:
                return await erasing(engine).by_email(EMAIL)
            except OrdersOpen:
                for (order_id,) in await rows(engine, text("SELECT id FROM orders WHERE status = 'PAID'")):
                    await change_order(
                        OrderChange(order_id=order_id, by=staff), lambda order, at: _deliver(order, staff, at)
                    )

    outcomes = await asyncio.gather(
        *(place(owner) for _ in range(5)),
        *(note(order, owner) for order in orders[::3]),
        erase(),
        *(place(staff) for _ in range(5)),
        *(note(order, staff) for order in orders[::3]),
        return_exceptions=True,
    )
    assert [
        one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, OrderServiceError)
    ] == []
    assert any(isinstance(one, int) for one in outcomes)
    assert await places_of(engine, MARK) == []
    assert await findings(engine) == {}


def _deliver(order: Order, by: Actor, at: Any) -> None:
    order.ship(shipment_id="s", tracking=personal("tracking"), by=by, at=at)
    order.deliver("s", by=by, at=at)
