"""The promises of `OrderViews`."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from typing import Any, Unpack
from uuid import UUID, uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor, ActorKind
from order_service.domain.editing import Amendment
from order_service.domain.errors import OrderNotFound
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.ports import OrderFilter, PageStart
from order_service.views import ActorView, RenderedOrder
from tests.builders import (
    NOON,
    Placing,
    a_canceled_order,
    a_customer,
    a_delivered_order,
    a_line_request,
    a_paid_order,
    a_shipped_order,
    after,
    an_operator,
    an_order,
    an_order_number,
)
from tests.contracts.conftest import Persistence
from tests.contracts.test_orders import ORDERS, pay

EVERYTHING = OrderFilter()
LITTLE = timedelta(microseconds=1)


async def ids_of_all_pages(
    persistence: Persistence,
    wanted: OrderFilter = EVERYTHING,
    *,
    limit: int,
    newest_first: bool = False,
    between: Callable[[], Order] | None = None,
) -> list[UUID]:
    """Follows the pages to the end; after each, adds an order that `between` makes."""
    found, start = [], None
    for _ in range(100):  # no list here is that long; without an end there would be none to the test
        page = await persistence.views.list(wanted, start=start, limit=limit, newest_first=newest_first)
        assert len(page.orders) <= limit
        found += [order.order_id for order in page.orders]
        if page.next_start is None:
            return found
        assert len(page.orders) == limit
        start = page.next_start
        if between is not None:
            await persistence.add(between())
    raise AssertionError("The pages do not end.")


def by_place(orders: list[Order]) -> list[UUID]:
    return [order.id for order in sorted(orders, key=lambda order: (order.placed_at, order.id))]


@pytest.mark.parametrize("an_order_of_that_kind", ORDERS)
async def test_every_path_gives_the_bytes_that_adding_and_saving_gave(
    persistence: Persistence, an_order_of_that_kind: Callable[[], Order]
) -> None:
    order = an_order_of_that_kind()
    [added] = await persistence.add(order)
    assert await persistence.views.get(order.id) == added
    assert await persistence.views.at_version(order.id, order.version) == added
    assert (await persistence.views.list(EVERYTHING, start=None, limit=9, newest_first=True)).orders == [added]

    known = await persistence.get(order)
    pay(known, "more", "1")
    saved = await persistence.save(known)
    assert await persistence.views.get(order.id) == saved
    assert await persistence.views.at_version(order.id, known.version) == saved
    assert await persistence.views.at_version(order.id, added.version) == added
    assert (await persistence.views.list(EVERYTHING, start=None, limit=9, newest_first=True)).orders == [saved]


async def test_a_rendered_order_says_whose_it_is_and_how_new(persistence: Persistence) -> None:
    order = a_paid_order(metadata={"b": "1", "a": "2"})
    await persistence.add(order)
    view = await persistence.views.get(order.id)
    assert view == RenderedOrder(order.id, order.customer_id, 3, view.body)
    body = json.loads(view.body)
    assert body["id"] == str(order.id)
    assert body["number"] == order.number
    assert body["status"] == "PAID"
    assert body["version"] == 3
    assert body["total"] == "20.00"
    assert body["placed_at"] == "2026-03-02T12:00:00Z"
    assert body["metadata"] == {"b": "1", "a": "2"}


async def test_what_does_not_exist_is_not_found(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    with pytest.raises(OrderNotFound):
        await persistence.views.get(uuid4())
    with pytest.raises(OrderNotFound):
        await persistence.views.at_version(uuid4(), 1)
    with pytest.raises(OrderNotFound):
        await persistence.views.at_version(order.id, 2)
    with pytest.raises(OrderNotFound):
        await persistence.views.at_version(order.id, 0)


# Lists


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10, 11])
async def test_the_pages_have_every_order_once_and_in_order_of_placing(
    persistence: Persistence, limit: int, newest_first: bool
) -> None:
    orders = [an_order(at=after(minutes=n)) for n in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3)]  # some at the same time
    await persistence.add(*orders)
    expected = by_place(orders)
    if newest_first:
        expected.reverse()
    assert await ids_of_all_pages(persistence, limit=limit, newest_first=newest_first) == expected


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_of_orders_placed_at_the_very_same_time_are_complete(
    persistence: Persistence, newest_first: bool
) -> None:
    orders = [an_order() for _ in range(12)]
    await persistence.add(*orders)
    expected = by_place(orders)
    if newest_first:
        expected.reverse()
    assert await ids_of_all_pages(persistence, limit=5, newest_first=newest_first) == expected


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_full_page_with_nothing_behind_it_is_the_last(persistence: Persistence, newest_first: bool) -> None:
    await persistence.add(an_order(), an_order())
    page = await persistence.views.list(EVERYTHING, start=None, limit=2, newest_first=newest_first)
    assert len(page.orders) == 2
    assert page.next_start is None


async def test_a_list_of_nothing_has_one_empty_page(persistence: Persistence) -> None:
    page = await persistence.views.list(EVERYTHING, start=None, limit=5, newest_first=True)
    assert list(page.orders) == []
    assert page.next_start is None


async def test_orders_placed_meanwhile_make_no_page_skip_or_repeat(persistence: Persistence) -> None:
    orders = [an_order(at=after(minutes=n // 2)) for n in range(10)]
    await persistence.add(*orders)
    newer = (an_order(at=after(hours=n)) for n in range(1, 99))
    found = await ids_of_all_pages(persistence, limit=3, newest_first=True, between=lambda: next(newer))
    assert found == by_place(orders)[::-1]


async def test_orders_placed_meanwhile_come_at_the_end_of_the_oldest_first(persistence: Persistence) -> None:
    orders = [an_order(at=after(minutes=n // 2)) for n in range(10)]
    await persistence.add(*orders)
    placed: list[Order] = []

    def another() -> Order:
        placed.append(an_order(at=after(hours=1 + len(placed))))
        return placed[-1]

    found = await ids_of_all_pages(persistence, limit=4, newest_first=False, between=another)
    assert found[:10] == by_place(orders)
    assert found[10:] == [order.id for order in placed]
    assert placed


async def test_a_page_may_start_behind_an_order_that_is_not_in_the_list(persistence: Persistence) -> None:
    early, late = an_order(at=after(minutes=1)), an_order(at=after(minutes=3))
    await persistence.add(early, late)
    start = PageStart(after(minutes=2), uuid4())
    older = await persistence.views.list(EVERYTHING, start=start, limit=5, newest_first=True)
    newer = await persistence.views.list(EVERYTHING, start=start, limit=5, newest_first=False)
    assert [order.order_id for order in older.orders] == [early.id]
    assert [order.order_id for order in newer.orders] == [late.id]


async def test_a_list_may_be_one_customers_or_of_one_status_or_both(persistence: Persistence) -> None:
    ann, bob = uuid4(), uuid4()
    makers = [an_order, a_paid_order, a_shipped_order, a_delivered_order, a_canceled_order]
    orders = [make(customer_id=customer) for make in makers for customer in (ann, bob)]
    await persistence.add(*orders)

    def matching(customer: UUID | None, status: Status | None) -> list[UUID]:
        return by_place(
            [order for order in orders if customer in (None, order.customer_id) and status in (None, order.status)]
        )

    assert {order.status for order in orders} == set(Status)
    for customer in (None, ann, bob):
        for status in (None, *Status):
            wanted = OrderFilter(customer_id=customer, status=status)
            assert await ids_of_all_pages(persistence, wanted, limit=2) == matching(customer, status)
    assert await ids_of_all_pages(persistence, OrderFilter(customer_id=uuid4()), limit=2) == []


async def test_an_order_is_listed_by_the_status_it_has_now(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    known = await persistence.get(order)
    pay(known, "all", "20.00")
    await persistence.save(known)
    assert await ids_of_all_pages(persistence, OrderFilter(status=Status.PENDING), limit=2) == []
    assert await ids_of_all_pages(persistence, OrderFilter(status=Status.PAID), limit=2) == [order.id]


# Filters


def an_order_coming_back(**said: Unpack[Placing]) -> Order:
    """Delivered, and one of its two mugs is asked to be taken back."""
    order = a_delivered_order(**said)
    lines = [LineQuantity(order.lines[0].line_id, 1)]
    order.request_return(return_id="return-1", lines=lines, reason="", by=an_operator(), at=order.placed_at)
    return order


def a_partly_returned_order(**said: Unpack[Placing]) -> Order:
    order = an_order_coming_back(**said)
    order.receive_return("return-1", by=an_operator(), at=order.placed_at)
    return order


def a_returned_order(**said: Unpack[Placing]) -> Order:
    order = a_partly_returned_order(**said)
    order.request_return(return_id="return-2", lines=None, reason="", by=an_operator(), at=order.placed_at)
    order.receive_return("return-2", by=an_operator(), at=order.placed_at)
    return order


def a_refunded_order(**said: Unpack[Placing]) -> Order:
    order = a_returned_order(**said)
    order.record_refund(refund_id="refund-1", amount=order.captured, reason="", by=SYSTEM, at=order.placed_at)
    return order


def a_partly_refunded_order(**said: Unpack[Placing]) -> Order:
    order = a_paid_order(**said)
    one = Money.parse("1", order.currency, field="amount")
    order.record_refund(refund_id="refund-1", amount=one, reason="", by=SYSTEM, at=order.placed_at)
    return order


def a_partly_paid_order(**said: Unpack[Placing]) -> Order:
    order = an_order(**said)
    pay(order, "some", "1")
    return order


def a_partly_shipped_order(**said: Unpack[Placing]) -> Order:
    order = a_paid_order(**said)
    lines = [LineQuantity(order.lines[0].line_id, 1)]
    order.ship(shipment_id="parcel-1", lines=lines, by=SYSTEM, at=order.placed_at)
    return order


def a_screened_order(**said: Unpack[Placing]) -> Order:
    order = an_order(**said)
    order.process([], by=SYSTEM, at=order.placed_at)
    return order


def a_rejected_order(**said: Unpack[Placing]) -> Order:
    order = an_order(**said)
    order.process(["Too much."], by=SYSTEM, at=order.placed_at)
    return order


MAKERS = [
    an_order,
    a_screened_order,
    a_rejected_order,
    a_partly_paid_order,
    a_paid_order,
    a_partly_refunded_order,
    a_partly_shipped_order,
    a_shipped_order,
    a_delivered_order,
    a_canceled_order,
    an_order_coming_back,
    a_partly_returned_order,
    a_returned_order,
    a_refunded_order,
]
AXES: dict[str, Any] = {
    "status": Status,
    "processing_status": ProcessingStatus,
    "payment_status": PaymentStatus,
    "fulfillment_status": FulfillmentStatus,
    "return_status": ReturnStatus,
}


@pytest.mark.parametrize("axis", AXES)
async def test_orders_are_listed_by_each_value_of_each_axis(persistence: Persistence, axis: str) -> None:
    orders = [make(at=after(minutes=n)) for n, make in enumerate(MAKERS)]
    await persistence.add(*orders)
    assert {getattr(order, axis) for order in orders} == set(AXES[axis])
    for value in AXES[axis]:
        wanted = replace(EVERYTHING, **{axis: value})
        matching = by_place([order for order in orders if getattr(order, axis) is value])
        assert await ids_of_all_pages(persistence, wanted, limit=2) == matching
        assert await ids_of_all_pages(persistence, wanted, limit=2, newest_first=True) == matching[::-1]


async def test_what_was_placed_at_the_ends_of_a_range_of_time_belongs_to_it(persistence: Persistence) -> None:
    times = [
        NOON - LITTLE,
        NOON,
        NOON + LITTLE,
        after(minutes=1) - LITTLE,
        after(minutes=1),
        after(minutes=1) + LITTLE,
    ]
    before, first, second, last_but_one, last, behind = orders = [an_order(at=at) for at in times]
    await persistence.add(*orders)
    for wanted, expected in (
        (OrderFilter(placed_from=NOON), [first, second, last_but_one, last, behind]),
        (OrderFilter(placed_to=after(minutes=1)), [before, first, second, last_but_one, last]),
        (OrderFilter(placed_from=NOON, placed_to=after(minutes=1)), [first, second, last_but_one, last]),
        (OrderFilter(placed_from=NOON, placed_to=NOON), [first]),
        (OrderFilter(placed_from=after(minutes=1), placed_to=NOON), []),
    ):
        assert await ids_of_all_pages(persistence, wanted, limit=2) == [order.id for order in expected]


async def test_a_time_is_a_moment_in_whatever_zone_it_is_told(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    wanted = OrderFilter(placed_from=elsewhere, placed_to=elsewhere)
    assert await ids_of_all_pages(persistence, wanted, limit=2) == [order.id]


@pytest.mark.parametrize(
    ("currency", "below", "least", "between", "most", "above"),
    [
        ("JPY", "99", "100", "150", "200", "201"),
        ("EUR", "99.99", "100.00", "150.5", "200", "200.01"),
        ("KWD", "99.999", "100.000", "150.001", "200", "200.001"),
    ],
)
async def test_totals_at_the_ends_of_a_range_belong_to_it_whatever_the_decimals(
    persistence: Persistence, currency: str, below: str, least: str, between: str, most: str, above: str
) -> None:
    too_little, cheap, middling, dear, too_much = orders = [
        an_order(currency=currency, lines=[a_line_request(quantity=1, unit_price=price)], at=after(minutes=n))
        for n, price in enumerate([below, least, between, most, above])
    ]
    await persistence.add(*orders)
    for wanted, expected in (
        (OrderFilter(total_min=Decimal(100)), [cheap, middling, dear, too_much]),
        (OrderFilter(total_max=Decimal("200.0000")), [too_little, cheap, middling, dear]),
        (OrderFilter(total_min=Decimal("100.000"), total_max=Decimal(200)), [cheap, middling, dear]),
        (OrderFilter(total_min=Decimal("100.0001"), total_max=Decimal("199.9999")), [middling]),
        (OrderFilter(total_min=Decimal(least), total_max=Decimal(least)), [cheap]),
        (OrderFilter(total_min=Decimal(200), total_max=Decimal(100)), []),
    ):
        assert await ids_of_all_pages(persistence, wanted, limit=2) == [order.id for order in expected]


async def test_totals_of_other_currencies_are_compared_as_they_are_written(persistence: Persistence) -> None:
    yen, euros, dinars = orders = [
        an_order(currency=currency, lines=[a_line_request(quantity=1, unit_price=price)], at=after(minutes=n))
        for n, (currency, price) in enumerate([("JPY", "10"), ("EUR", "10.01"), ("KWD", "9.999")])
    ]
    await persistence.add(*orders)
    assert await ids_of_all_pages(persistence, OrderFilter(total_min=Decimal(10)), limit=9) == [yen.id, euros.id]
    assert await ids_of_all_pages(persistence, OrderFilter(total_max=Decimal(10)), limit=9) == [yen.id, dinars.id]


async def test_the_smallest_and_the_largest_total_can_be_asked_for(persistence: Persistence) -> None:
    free, dear = orders = [
        an_order(lines=[a_line_request(quantity=1, unit_price=price)], at=after(minutes=n))
        for n, price in enumerate(["0", "92233720368547758.07"])
    ]
    await persistence.add(*orders)
    most = Decimal("9" * 19 + ".9999")
    assert await ids_of_all_pages(persistence, OrderFilter(total_max=Decimal(0)), limit=9) == [free.id]
    assert await ids_of_all_pages(persistence, OrderFilter(total_min=Decimal("92233720368547758.07")), limit=9) == [
        dear.id
    ]
    assert await ids_of_all_pages(persistence, OrderFilter(total_min=Decimal(0), total_max=most), limit=9) == [
        free.id,
        dear.id,
    ]
    assert await ids_of_all_pages(persistence, OrderFilter(total_min=most), limit=9) == []


async def test_orders_are_listed_by_the_sku_of_any_line(persistence: Persistence) -> None:
    mug, bowl = a_line_request(sku="MUG"), a_line_request(sku="BOWL")
    both = an_order(lines=[bowl, mug, mug])
    only_mug = an_order(lines=[mug], at=after(minutes=1))
    await persistence.add(both, only_mug, an_order(lines=[a_line_request(sku=None)]))
    for sku, expected in {
        "MUG": [both, only_mug],
        "BOWL": [both],
        "MU": [],
        "mug": [],
        "MUG,BOWL": [],
        "{MUG}": [],
        "%": [],
        'a"b': [],
    }.items():
        found = await ids_of_all_pages(persistence, OrderFilter(sku=sku), limit=1)
        assert found == [order.id for order in expected], sku


async def test_an_edited_order_is_listed_by_the_lines_it_has_now(persistence: Persistence) -> None:
    order = an_order(lines=[a_line_request(sku="MUG", quantity=1)])
    await persistence.add(order)
    known = await persistence.get(order)
    known.edit_lines([a_line_request(sku="BOWL", quantity=3)], by=an_operator(), at=after(minutes=1))
    await persistence.save(known)
    assert await ids_of_all_pages(persistence, OrderFilter(sku="MUG"), limit=1) == []
    assert await ids_of_all_pages(persistence, OrderFilter(sku="BOWL", total_min=Decimal(30)), limit=1) == [order.id]


async def test_orders_are_listed_by_number_and_by_external_ref(persistence: Persistence) -> None:
    ann, bob = uuid4(), uuid4()
    orders = [
        an_order(customer_id=customer, external_ref=ref, at=after(minutes=n))
        for n, (customer, ref) in enumerate([(ann, "web-1"), (bob, "web-1"), (ann, "web-2"), (bob, None)])
    ]
    await persistence.add(*orders)
    for order in orders:
        assert await ids_of_all_pages(persistence, OrderFilter(number=order.number), limit=1) == [order.id]
    wanted = OrderFilter(external_ref="web-1")
    assert await ids_of_all_pages(persistence, wanted, limit=1) == [orders[0].id, orders[1].id]
    assert await ids_of_all_pages(persistence, replace(wanted, customer_id=bob), limit=1) == [orders[1].id]
    assert await ids_of_all_pages(persistence, OrderFilter(external_ref="web"), limit=1) == []
    assert await ids_of_all_pages(persistence, OrderFilter(number=an_order_number()), limit=1) == []


async def test_an_amended_order_is_listed_by_the_notes_it_has_now(persistence: Persistence) -> None:
    order = an_order(external_ref="web-1", metadata={"channel": "web", "gift": "yes"})
    await persistence.add(order)
    known = await persistence.get(order)
    amendment = Amendment(external_ref=None, metadata={"channel": "shop", "gift": None})
    known.amend(amendment, by=an_operator(), at=after(minutes=1))
    await persistence.save(known)
    for wanted, found in (
        (OrderFilter(external_ref="web-1"), False),
        (OrderFilter(metadata={"channel": "web"}), False),
        (OrderFilter(metadata={"gift": "yes"}), False),
        (OrderFilter(metadata={"channel": "shop"}), True),
    ):
        assert await ids_of_all_pages(persistence, wanted, limit=1) == ([order.id] if found else [])


async def test_orders_are_listed_by_all_the_metadata_that_is_asked_for(persistence: Persistence) -> None:
    noted: list[dict[str, str]] = [
        {"channel": "web", "campaign": "spring", "gift": "yes"},
        {"channel": "web", "campaign": "fall"},
        {"channel": "shop", "campaign": "spring"},
        {},
        {"channel": 'a "b" \\ {c}', "ключ": "🫖", "empty": ""},
    ]
    orders = [an_order(metadata=metadata, at=after(minutes=n)) for n, metadata in enumerate(noted)]
    await persistence.add(*orders)
    for asked in (
        {},
        {"channel": "web"},
        {"campaign": "spring"},
        {"channel": "web", "campaign": "spring"},
        {"channel": "web", "campaign": "spring", "gift": "no"},
        {"channel": "we"},
        {"web": "channel"},
        {"channel": 'a "b" \\ {c}'},
        {"ключ": "🫖", "empty": ""},
        {"gift": ""},
    ):
        matching = [
            order.id for order, metadata in zip(orders, noted, strict=True) if asked.items() <= metadata.items()
        ]
        assert await ids_of_all_pages(persistence, OrderFilter(metadata=asked), limit=2) == matching, asked


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_filters_go_together_on_every_page(persistence: Persistence, limit: int, newest_first: bool) -> None:
    ann, bob = uuid4(), uuid4()
    orders = [
        make(
            customer_id=customer,
            at=after(minutes=n // 3),
            metadata={"channel": channel, "n": str(n)},
            lines=[a_line_request(sku=sku, quantity=n + 2)],
        )
        for n, (make, customer, channel, sku) in enumerate(
            product([an_order, a_paid_order], [ann, bob], ["web", "shop"], ["MUG", "BOWL", None])
        )
    ]
    await persistence.add(*orders)
    wanted = OrderFilter(
        customer_id=ann,
        metadata={"channel": "web"},
        sku="MUG",
        placed_from=after(minutes=0),
        placed_to=after(minutes=7),
        total_min=Decimal(20),
        total_max=Decimal(140),
    )
    for status in (None, Status.PENDING, Status.PAID):
        expected = by_place(
            [
                order
                for order in orders
                if order.customer_id == ann
                and order.metadata["channel"] == "web"
                and order.lines[0].sku == "MUG"
                and status in (None, order.status)
            ]
        )
        if newest_first:
            expected.reverse()
        assert expected
        found = await ids_of_all_pages(
            persistence, replace(wanted, status=status), limit=limit, newest_first=newest_first
        )
        assert found == expected
    nothing = replace(wanted, sku="PLATE")
    assert await ids_of_all_pages(persistence, nothing, limit=limit, newest_first=newest_first) == []


async def test_an_order_that_comes_between_the_pages_of_a_filter_is_neither_skipped_nor_doubled(
    persistence: Persistence,
) -> None:
    orders = [an_order(at=after(minutes=n), metadata={"n": str(n % 2)}) for n in range(12)]
    await persistence.add(*orders)
    newer = (an_order(at=after(hours=n), metadata={"n": "1"}) for n in range(1, 99))
    found = await ids_of_all_pages(
        persistence, OrderFilter(metadata={"n": "1"}), limit=2, newest_first=True, between=lambda: next(newer)
    )
    assert found == by_place(orders[1::2])[::-1]


async def test_an_order_is_known_by_its_number(persistence: Persistence) -> None:
    order, other = an_order(), an_order()
    await persistence.add(order, other)
    assert await persistence.views.id_of(order.number) == order.id
    with pytest.raises(OrderNotFound):
        await persistence.views.id_of(an_order_number())


# History


async def test_the_history_says_what_happened_in_order(persistence: Persistence) -> None:
    customer, operator = a_customer(), an_operator()
    order = an_order(by=customer)
    await persistence.add(order)
    known = await persistence.get(order)
    known.record_payment(payment_id="all", amount=known.open_amount, method="CARD", by=operator, at=after(minutes=5))
    known.process([], by=SYSTEM, at=after(minutes=6))
    await persistence.save(known)

    history = await persistence.views.events(order.id, after_seq=0, limit=100)
    assert [(event.seq, event.type) for event in history] == [
        (1, "order.placed"),
        (2, "order.payment_recorded"),
        (3, "order.paid"),
        (4, "order.processed"),
    ]
    assert [event.occurred_at for event in history] == [NOON, after(minutes=5), after(minutes=5), after(minutes=6)]
    assert [event.actor for event in history] == [
        ActorView(kind=ActorKind.CUSTOMER, id=customer.id),
        ActorView(kind=ActorKind.OPERATOR, id=operator.id),
        ActorView(kind=ActorKind.OPERATOR, id=operator.id),
        ActorView(kind=ActorKind.SYSTEM, id=None),
    ]
    assert [event.change for event in history] == [
        {"total": "20.00", "currency": "EUR"},
        {"payment_id": "all", "amount": "20.00", "method": "CARD"},
        {"captured": "20.00"},
        {"findings": []},
    ]
    assert len({event.id for event in history}) == 4


async def test_the_history_can_be_read_in_parts(persistence: Persistence) -> None:
    order = a_delivered_order()
    await persistence.add(order, a_delivered_order())
    whole = await persistence.views.events(order.id, after_seq=0, limit=100)
    assert [event.seq for event in whole] == list(range(1, order.version + 1))
    assert await persistence.views.events(order.id, after_seq=0, limit=2) == whole[:2]
    assert await persistence.views.events(order.id, after_seq=2, limit=3) == whole[2:5]
    assert list(await persistence.views.events(order.id, after_seq=order.version, limit=3)) == []


async def test_the_history_of_an_order_that_does_not_exist_is_empty(persistence: Persistence) -> None:
    assert list(await persistence.views.events(uuid4(), after_seq=0, limit=10)) == []


# What screening asks


async def test_a_customers_orders_are_counted_from_the_start_to_before_the_end(persistence: Persistence) -> None:
    ann = uuid4()
    times = [NOON - LITTLE, NOON, NOON, after(minutes=30), after(hours=1) - LITTLE, after(hours=1)]
    await persistence.add(*(an_order(customer_id=ann, at=at) for at in times), an_order(at=after(minutes=1)))

    async def count(customer_id: UUID, at_most: int) -> int:
        return await persistence.views.count_placed(customer_id, since=NOON, before=after(hours=1), at_most=at_most)

    assert await count(ann, 100) == 4
    assert await count(ann, 4) == 4
    assert await count(ann, 3) == 3
    assert await count(uuid4(), 100) == 0


@pytest.mark.parametrize(
    ("placed_at", "seen"),
    [
        (NOON - LITTLE, False),
        (NOON, True),
        (after(minutes=9), True),
        (after(minutes=10), False),
        (after(minutes=11), False),
    ],
)
async def test_the_same_lines_again_are_seen_from_the_start_until_the_orders_own_placing(
    persistence: Persistence, placed_at: datetime, seen: bool
) -> None:
    order = an_order(at=after(minutes=10), lines=[a_line_request(name="a"), a_line_request(name="b")])
    other = an_order(
        by=a_customer(order.customer_id), at=placed_at, lines=[a_line_request(name="b"), a_line_request(name="a")]
    )
    await persistence.add(order, other)
    assert await persistence.views.placed_same_lines(order, since=NOON) is seen


@pytest.mark.parametrize(
    "other",
    [
        lambda _: an_order(),
        lambda customer: an_order(by=customer, lines=[a_line_request(quantity=3)]),
        lambda customer: an_order(by=customer, lines=[a_line_request(unit_price="9.99")]),
        lambda customer: an_order(by=customer, lines=[a_line_request(sku=None)]),
        lambda customer: an_order(by=customer, lines=[a_line_request(), a_line_request()]),
        lambda customer: an_order(by=customer, currency="USD"),
    ],
    ids=["another customer", "quantity", "price", "sku", "twice", "currency"],
)
async def test_other_lines_and_other_customers_are_not_the_same_lines_again(
    persistence: Persistence, other: Callable[[Actor], Order]
) -> None:
    customer = a_customer()
    order = an_order(by=customer, at=after(minutes=10))
    await persistence.add(order, other(customer))
    assert not await persistence.views.placed_same_lines(order, since=NOON)


# What the scheduler asks


async def test_the_stalled_are_still_queued_and_the_oldest_come_first(persistence: Persistence) -> None:
    orders = [an_order(at=after(minutes=minutes)) for minutes in (4, 2, 3, 1)]
    processed, canceled = an_order(), a_canceled_order()
    processed.process([], by=SYSTEM, at=NOON)
    await persistence.add(*orders, processed, canceled, an_order(at=after(minutes=5)))
    oldest_first = [canceled.id, orders[3].id, orders[1].id, orders[2].id, orders[0].id]
    before = after(minutes=4) + LITTLE
    assert list(await persistence.views.stalled(queued_before=before, limit=9)) == oldest_first
    assert list(await persistence.views.stalled(queued_before=before, limit=2)) == oldest_first[:2]


async def test_an_order_that_was_processed_is_not_stalled_any_more(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    assert list(await persistence.views.stalled(queued_before=after(minutes=1), limit=9)) == [order.id]
    known = await persistence.get(order)
    known.process([], by=SYSTEM, at=NOON)
    await persistence.save(known)
    assert list(await persistence.views.stalled(queued_before=after(minutes=1), limit=9)) == []
