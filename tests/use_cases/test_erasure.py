"""An account is erased, and what is personal in its orders."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from order_service.domain.actor import SYSTEM, Actor, ActorKind, Bearer, Role
from order_service.domain.editing import Amendment
from order_service.domain.errors import (
    AccountNotFound,
    CustomerUnknown,
    InvalidCredentials,
    InvalidField,
    InvalidRefreshToken,
    LastAdmin,
    OrderNotFound,
    OrderServiceError,
    OrdersOpen,
)
from order_service.domain.lifecycle import CancelReason, Status
from order_service.ports import OrderFilter
from order_service.use_cases.change_account import AccountChange
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.change_password import ChangePasswordCommand
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.list_account_events import ListAccountEventsQuery
from order_service.use_cases.list_orders import ListOrdersQuery
from order_service.use_cases.log_in import LogInCommand
from order_service.use_cases.place_order import PlaceOrderCommand
from order_service.use_cases.register_account import RegisterAccountCommand
from order_service.views import RenderedOrder
from tests.builders import NOON
from tests.in_memory.order_views import DictOrderCache
from tests.personal import is_personal, personal
from tests.use_cases.shop import HOME, MUGS, PASSWORD, Shop, a_key, read


def erasure(by: Actor, password: str = PASSWORD) -> AccountChange:
    return AccountChange(by=Bearer(by, NOON), current_password=password, origin=HOME)


async def a_canceled_order_of(shop: Shop, by: Actor) -> UUID:
    placed = await shop.place(by, external_ref=personal("ref"), key=a_key(personal("key")))
    order_id = placed.order.order_id
    await shop.amend_order(OrderChange(order_id=order_id, by=by), Amendment(external_ref=personal("ref")))
    change = OrderChange(order_id=order_id, by=by)
    await shop.cancel_order(change, reason=CancelReason.CUSTOMER_REQUEST, note=personal("note"))
    return order_id


def words_left(shop: Shop) -> list[object]:
    """Whatever is kept anywhere that a customer wrote."""
    known = shop.store.committed
    kept = [order.payload for order in known.events], [repr(order) for order in known.orders.values()]
    cached = [order.body for order in shop.cache.remembered.values()]
    others = [repr(known.accounts), repr(known.answered), repr(known.sessions)]
    return [each for part in (*kept, cached, others) for each in part if is_personal(each)]


async def test_who_erases_their_account_leaves_orders_without_a_word_of_theirs(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    orders = [await a_canceled_order_of(shop, ann) for _ in range(3)]
    before = [await shop.see(order_id) for order_id in orders]
    assert words_left(shop)
    await shop.erase_account(erasure(ann))
    assert words_left(shop) == []
    for order_id, old in zip(orders, before, strict=True):
        new = await shop.see(order_id)
        assert (new.number, new.total, new.status, new.placed_at) == (
            old.number,
            old.total,
            old.status,
            old.placed_at,
        )
        assert (new.external_ref, new.metadata, new.version) == (None, {}, old.version + 1)
        assert new.redacted_at == shop.clock.now()
        assert read(await shop.get_order(order_id, by=operator)) == new
        assert await shop.history(order_id) == ["order.placed", "order.amended", "order.canceled", "order.redacted"]
    assert len((await shop.list_orders(ListOrdersQuery(by=operator, wanted=OrderFilter()))).orders) == 3
    assert shop.store.committed.unfinished == {}


async def test_nobody_gets_in_any_more_and_the_address_is_free(shop: Shop, ann: Actor) -> None:
    logged_in = await shop.log_in(LogInCommand(email="ann@example.com", password=PASSWORD, origin=HOME))
    await shop.erase_account(erasure(ann))
    with pytest.raises(InvalidCredentials):
        await shop.log_in(LogInCommand(email="ann@example.com", password=PASSWORD, origin=HOME))
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(logged_in.refresh_token)
    with pytest.raises(AccountNotFound):
        await shop.get_account(ann.own_account, by=ann)
    with pytest.raises(AccountNotFound):
        await shop.erase_account(erasure(ann))
    [session] = shop.store.committed.sessions.values()
    assert (session.ended_at, session.token_hash) == (shop.clock.now(), b"")
    assert (await shop.customer("ann@example.com")).id != ann.id


async def test_the_history_of_who_was_erased_is_read_to_its_end(shop: Shop, ann: Actor) -> None:
    await shop.erase_account(erasure(ann))
    query = ListAccountEventsQuery(by=SYSTEM, account_id=ann.own_account)
    assert [event.type for event in await shop.list_account_events(query)] == ["account.registered", "account.erased"]
    assert list(await shop.list_account_events(replace(query, after_seq=2))) == []


async def test_nothing_can_be_ordered_or_changed_with_a_token_that_is_left(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    order_id = await a_canceled_order_of(shop, ann)
    await shop.erase_account(erasure(ann))
    with pytest.raises(CustomerUnknown):
        await shop.place(ann)
    with pytest.raises(CustomerUnknown):
        await shop.place_order(PlaceOrderCommand(by=operator, currency="EUR", lines=(MUGS,), customer_id=ann.id))
    with pytest.raises(OrderNotFound):
        await shop.cancel_order(OrderChange(order_id=order_id, by=ann), reason=CancelReason.OTHER)
    with pytest.raises(InvalidField):
        await shop.amend_order(OrderChange(order_id=order_id, by=operator), Amendment(external_ref="of Ann"))


async def test_a_wrong_password_erases_nothing(shop: Shop, ann: Actor) -> None:
    with pytest.raises(InvalidField) as refusal:
        await shop.erase_account(erasure(ann, "wrong horse"))
    assert (refusal.value.field, "wrong" in str(refusal.value)) == ("current_password", False)
    assert PASSWORD not in repr(erasure(ann))
    assert (await shop.get_account(ann.own_account, by=ann)).id == ann.id


async def test_while_orders_are_going_on_an_account_stays(shop: Shop, ann: Actor) -> None:
    done, paid = await a_canceled_order_of(shop, ann), await shop.a_paid_order_of(ann)
    await shop.an_order_of(ann)
    with pytest.raises(OrdersOpen) as refusal:
        await shop.erase_account(erasure(ann))
    assert refusal.value.details() == {"open_orders": 2}
    assert (await shop.see(done)).external_ref is not None
    assert (await shop.see(paid)).status is Status.PAID
    with pytest.raises(OrdersOpen):
        await shop.erase_account.by_email("ann@example.com")
    assert (await shop.get_account(ann.own_account, by=ann)).id == ann.id


async def test_the_last_admin_stays(shop: Shop) -> None:
    admins = [
        (await shop.register(RegisterAccountCommand(email=f"{n}@example.com", password=PASSWORD, role=Role.ADMIN)))
        for n in range(2)
    ]
    outcomes = await asyncio.gather(
        *(shop.erase_account(erasure(admin.actor)) for admin in admins), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdmin", "NoneType"]
    with pytest.raises(LastAdmin):
        await shop.erase_account.by_email(next(iter(shop.store.committed.accounts.values())).email)


async def test_whoever_runs_the_service_erases_by_address(shop: Shop, ann: Actor) -> None:
    for _ in range(60):
        await a_canceled_order_of(shop, ann)
    assert await shop.erase_account.by_email("Ann@example.com") == 60
    assert words_left(shop) == []
    with pytest.raises(AccountNotFound):
        await shop.erase_account.by_email("ann@example.com")


class DiesAfter(DictOrderCache):
    """As if the process died after it has redacted so many orders."""

    def __init__(self, orders: int) -> None:
        super().__init__()
        self._left = orders

    async def put(self, order: RenderedOrder) -> None:
        if not self._left:
            raise ConnectionAbortedError
        self._left -= 1
        await super().put(order)


@pytest.mark.parametrize("orders_redacted", [0, 50, 70, 100])
async def test_who_dies_on_the_way_is_followed_by_the_scheduler(shop: Shop, ann: Actor, orders_redacted: int) -> None:
    orders = [await a_canceled_order_of(shop, ann) for _ in range(120)]
    dying = FinishErasures(shop.transactions, DiesAfter(orders_redacted), shop.clock)
    shop.erase_account._finish = dying
    with pytest.raises(ConnectionAbortedError):
        await shop.erase_account(erasure(ann))
    left = [order_id for order_id in orders if (await shop.see(order_id)).redacted_at is None]
    finished = 0
    while some := await shop.finish_erasures(limit=20):
        finished += some
    assert finished == len(left)
    assert [(await shop.see(order_id)).version for order_id in orders] == [4] * 120
    shop.cache.remembered.clear()  # what a cache holds is told by the event
    assert words_left(shop) == []
    assert shop.store.committed.unfinished == {}


async def test_whatever_happens_at_the_same_moment_nothing_personal_remains(shop: Shop, ann: Actor) -> None:
    operator = Actor(ActorKind.OPERATOR, shop.ids.new())
    orders = [await a_canceled_order_of(shop, ann) for _ in range(5)]

    async def amend(order_id: UUID) -> None:
        await shop.amend_order(OrderChange(order_id=order_id, by=operator), Amendment(external_ref=personal("late")))

    async def place_and_cancel() -> None:
        await a_canceled_order_of(shop, ann)

    async def place_for_her() -> None:
        command = PlaceOrderCommand(
            by=operator, currency="EUR", lines=(MUGS,), customer_id=ann.id, external_ref=personal("by staff")
        )
        await shop.place_order(command)

    async def log_in() -> None:
        await shop.log_in(LogInCommand(email="ann@example.com", password=PASSWORD, origin=HOME))

    async def change_password() -> None:
        by = Bearer(ann, expires_at=shop.clock.now())
        await shop.change_password(
            ChangePasswordCommand(by=by, current_password=PASSWORD, new_password=PASSWORD, origin=HOME)
        )

    async def erase() -> None:
        while True:
            try:
                return await shop.erase_account(erasure(ann))
            except OrdersOpen:
                for order_id in [order.id for order in shop.store.committed.orders.values() if not order.is_over]:
                    change = OrderChange(order_id=order_id, by=operator)
                    await shop.cancel_order(change, reason=CancelReason.OTHER, note=personal("for the erasure"))

    others = [amend(order_id) for order_id in orders] + [log_in(), change_password(), place_for_her()]
    others += [place_and_cancel() for _ in range(5)]
    outcomes = await asyncio.gather(erase(), *others, return_exceptions=True)
    assert outcomes[0] is None
    assert [one for one in outcomes[1:] if not (one is None or isinstance(one, OrderServiceError))] == []
    assert words_left(shop) == []
    assert [session.token_hash for session in shop.store.committed.sessions.values() if session.token_hash] == []
    assert ann.id not in shop.store.committed.accounts
    assert await shop.finish_erasures() == 0
