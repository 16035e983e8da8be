"""Getting an order, its history, and lists of orders."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import OrderNotFound
from order_service.domain.lifecycle import Status
from order_service.ports import OrderFilter, PageStart
from order_service.use_cases.list_order_events import ListOrderEventsQuery
from order_service.use_cases.list_orders import ListOrdersQuery
from order_service.views import RenderedOrder
from tests.use_cases.shop import Shop


async def test_its_customer_staff_and_the_service_see_an_order(shop: Shop, ann: Actor, operator: Actor) -> None:
    placed = (await shop.place(ann)).order
    for by in (ann, operator, SYSTEM):
        assert await shop.get_order(placed.order_id, by=by) == placed


@pytest.mark.parametrize("cached", [True, False])
async def test_anothers_order_is_not_found_even_in_the_cache(
    shop: Shop, ann: Actor, bob: Actor, cached: bool
) -> None:
    order_id = await shop.an_order_of(ann)
    if not cached:
        shop.cache.remembered.clear()
    with pytest.raises(OrderNotFound) as others:
        await shop.get_order(order_id, by=bob)
    with pytest.raises(OrderNotFound) as absent:
        await shop.get_order(uuid4(), by=bob)
    assert str(others.value) == str(absent.value)


async def test_a_cached_order_is_not_looked_up(shop: Shop, ann: Actor) -> None:
    nowhere_else = RenderedOrder(uuid4(), ann.id or uuid4(), 1, b"{}")
    await shop.cache.put(nowhere_else)
    assert await shop.get_order(nowhere_else.order_id, by=ann) == nowhere_else


async def test_an_order_that_is_not_cached_is_looked_up_once(shop: Shop, ann: Actor) -> None:
    placed = (await shop.place(ann)).order
    shop.cache.remembered.clear()
    assert await shop.get_order(placed.order_id, by=ann) == placed
    assert shop.cache.remembered == {placed.order_id: placed}


async def test_after_a_change_the_cache_has_the_new_version(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    paid = (await shop.pay(order_id)).order
    assert await shop.get_order(order_id, by=ann) == paid
    assert paid.version == 3


async def test_the_history_is_for_whoever_may_see_the_order(
    shop: Shop, ann: Actor, bob: Actor, operator: Actor
) -> None:
    order_id = await shop.a_paid_order_of(ann)
    for by in (ann, operator):
        history = await shop.list_order_events(ListOrderEventsQuery(by=by, order_id=order_id))
        assert [(event.seq, event.type) for event in history] == [
            (1, "order.placed"),
            (2, "order.payment_recorded"),
            (3, "order.paid"),
        ]
    part = await shop.list_order_events(ListOrderEventsQuery(by=ann, order_id=order_id, after_seq=1, limit=1))
    assert [event.seq for event in part] == [2]
    for by, wanted in ((bob, order_id), (operator, uuid4())):
        with pytest.raises(OrderNotFound):
            await shop.list_order_events(ListOrderEventsQuery(by=by, order_id=wanted))


async def listed(shop: Shop, by: Actor, wanted: OrderFilter | None = None, **said: object) -> list[UUID]:
    page = await shop.list_orders(ListOrdersQuery(by=by, wanted=wanted or OrderFilter(), **said))  # type: ignore[arg-type]  # of many types
    return [order.order_id for order in page.orders]


async def test_a_customer_lists_their_own_orders_whatever_they_ask_for(shop: Shop, ann: Actor, bob: Actor) -> None:
    anns, bobs = await shop.an_order_of(ann), await shop.an_order_of(bob)
    assert await listed(shop, ann) == [anns]
    assert await listed(shop, ann, OrderFilter(customer_id=bob.id)) == [anns]
    assert await listed(shop, bob) == [bobs]


async def test_staff_list_all_orders_or_one_customers(shop: Shop, ann: Actor, bob: Actor, operator: Actor) -> None:
    anns, bobs = await shop.an_order_of(ann), await shop.an_order_of(bob)
    assert sorted(await listed(shop, operator)) == sorted([anns, bobs])
    assert await listed(shop, operator, OrderFilter(customer_id=bob.id)) == [bobs]


async def test_a_list_can_be_of_one_status(shop: Shop, ann: Actor, bob: Actor) -> None:
    pending, paid = await shop.an_order_of(ann), await shop.a_paid_order_of(ann)
    await shop.a_paid_order_of(bob)
    assert await listed(shop, ann, OrderFilter(status=Status.PENDING)) == [pending]
    assert await listed(shop, ann, OrderFilter(status=Status.PAID)) == [paid]


async def test_pages_follow_each_other_newest_first_or_oldest_first(shop: Shop, ann: Actor) -> None:
    placed = []
    for _ in range(5):
        placed.append(await shop.an_order_of(ann))
        shop.clock.advance(timedelta(seconds=1))
    for newest_first, expected in ((True, placed[::-1]), (False, placed)):
        found: list[UUID] = []
        start: PageStart | None = None
        while True:
            query = ListOrdersQuery(by=ann, wanted=OrderFilter(), start=start, limit=2, newest_first=newest_first)
            page = await shop.list_orders(query)
            found += [order.order_id for order in page.orders]
            start = page.next_start
            if start is None:
                break
        assert found == expected
