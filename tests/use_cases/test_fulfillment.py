"""Paying, shipping, delivering and canceling, the long way and the short way, by everybody."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import (
    CancelWindowClosed,
    IllegalTransition,
    InvalidField,
    NotAllowed,
    OrderNotFound,
    OverShipment,
    ShipmentNotFound,
    VersionMismatch,
)
from order_service.domain.lifecycle import CancelReason, Status
from order_service.domain.lines import LineQuantity
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.place_order import WantedLine
from order_service.views import OrderView
from tests.builders import CANCEL_WINDOW, a_customer, an_admin, an_operator
from tests.use_cases.shop import Shop, a_key, read


def change(order_id: UUID, by: Actor = SYSTEM) -> OrderChange:
    return OrderChange(order_id=order_id, by=by)


async def a_shipped_order_of(shop: Shop, by: Actor) -> OrderView:
    order_id = await shop.a_paid_order_of(by)
    return read((await shop.ship_order(change(order_id))).order)


# Paying


async def test_money_in_parts_makes_the_order_paid_with_the_last_part(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    assert read((await shop.pay(order_id, "7.50", "a")).order).status is Status.PENDING
    assert read((await shop.pay(order_id, "12.5", "b")).order).status is Status.PAID
    assert await shop.history(order_id) == [
        "order.placed",
        "order.payment_recorded",
        "order.payment_recorded",
        "order.paid",
    ]


async def test_an_amount_is_read_in_the_orders_currency(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    with pytest.raises(InvalidField) as refusal:
        await shop.pay(order_id, "1.001")
    assert refusal.value.field == "amount"


async def test_money_told_by_the_service_for_a_canceled_order_is_owed_back(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.cancel_order(change(order_id, ann), reason=CancelReason.CUSTOMER_REQUEST)
    order = read((await shop.pay(order_id)).order)
    assert (order.status, order.refund_due) == (Status.CANCELED, "20.00")


# Shipping and delivering


async def test_an_order_goes_out_in_parcels_and_is_shipped_with_the_last(shop: Shop, ann: Actor) -> None:
    placed = read((await shop.place(ann, WantedLine(name="Blue mug", quantity=3, unit_price="10"))).order)
    await shop.pay(placed.id, "30.00")
    line_id = placed.lines[0].line_id
    two = [LineQuantity(line_id, 2)]
    first = read((await shop.ship_order(change(placed.id), lines=two, carrier="DHL", tracking="J1")).order)
    assert (first.status, first.lines[0].shipped) == (Status.PAID, 2)
    assert (first.shipments[0].carrier, first.shipments[0].tracking) == ("DHL", "J1")
    with pytest.raises(OverShipment):
        await shop.ship_order(change(placed.id), lines=two)
    rest = read((await shop.ship_order(change(placed.id))).order)
    assert (rest.status, rest.lines[0].shipped) == (Status.SHIPPED, 3)
    assert len({shipment.shipment_id for shipment in rest.shipments}) == 2


async def test_an_order_is_delivered_with_its_last_parcel(shop: Shop, ann: Actor) -> None:
    shipped = await a_shipped_order_of(shop, ann)
    delivered = await shop.deliver_shipment(change(shipped.id), shipped.shipments[0].shipment_id)
    assert read(delivered.order).status is Status.DELIVERED
    again = await shop.deliver_shipment(change(shipped.id), shipped.shipments[0].shipment_id)
    assert again.order == delivered.order


async def test_a_parcel_that_was_never_sent_cannot_arrive(shop: Shop, ann: Actor) -> None:
    shipped = await a_shipped_order_of(shop, ann)
    with pytest.raises(ShipmentNotFound):
        await shop.deliver_shipment(change(shipped.id), "another parcel")


async def test_an_unpaid_order_is_not_shipped(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    with pytest.raises(IllegalTransition) as refusal:
        await shop.ship_order(change(order_id))
    assert refusal.value.details() == {"from": "PENDING", "to": "SHIPPED", "allowed": ["PAID", "CANCELED"]}


async def test_a_shipment_that_is_asked_for_again_with_its_key_is_sent_once(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    order_id = await shop.a_paid_order_of(ann)
    wanted = OrderChange(order_id=order_id, by=operator, idempotency_key=a_key(), expected_versions=frozenset({3}))
    first, again = await shop.ship_order(wanted), await shop.ship_order(wanted)
    assert (first.replayed, again.replayed) == (False, True)
    assert first.order == again.order


@pytest.mark.parametrize("operation", ["pay", "ship", "deliver", "cancel", "short"])
async def test_every_change_is_refused_on_a_version_that_is_not_the_newest(
    shop: Shop, ann: Actor, operator: Actor, operation: str
) -> None:
    order_id = await shop.a_paid_order_of(ann)
    wanted = OrderChange(order_id=order_id, by=operator, expected_versions=frozenset({2}))
    calls = {
        "pay": lambda: shop.record_payment(wanted, payment_id="p", amount="1", method="CARD"),
        "ship": lambda: shop.ship_order(wanted),
        "deliver": lambda: shop.deliver_shipment(wanted, "parcel"),
        "cancel": lambda: shop.cancel_order(wanted, reason=CancelReason.OTHER),
        "short": lambda: shop.change_status(wanted, Status.SHIPPED),
    }
    with pytest.raises(VersionMismatch):
        await calls[operation]()
    assert (await shop.see(order_id)).version == 3


# Canceling


async def test_the_customer_cancels_while_nobody_paid_and_shortly_after_paying(shop: Shop, ann: Actor) -> None:
    unpaid, paid, too_late = [await shop.an_order_of(ann) for _ in range(3)]
    shop.clock.advance(timedelta(hours=2))
    for order_id in (paid, too_late):
        await shop.pay(order_id)
    canceled = await shop.cancel_order(
        change(unpaid, ann), reason=CancelReason.CUSTOMER_REQUEST, note="Found it cheaper."
    )
    cancellation = read(canceled.order).cancellation
    assert cancellation is not None
    assert (cancellation.reason, cancellation.note) == (CancelReason.CUSTOMER_REQUEST, "Found it cheaper.")
    shop.clock.advance(CANCEL_WINDOW)
    order = read((await shop.cancel_order(change(paid, ann), reason=CancelReason.CUSTOMER_REQUEST)).order)
    assert (order.status, order.refund_due) == (Status.CANCELED, "20.00")
    shop.clock.advance(timedelta(microseconds=1))
    with pytest.raises(CancelWindowClosed):
        await shop.cancel_order(change(too_late, ann), reason=CancelReason.CUSTOMER_REQUEST)
    assert (await shop.see(too_late)).status is Status.PAID


async def test_staff_cancel_a_paid_order_at_any_time_but_not_one_that_left(
    shop: Shop, ann: Actor, operator: Actor
) -> None:
    paid, left = await shop.a_paid_order_of(ann), await a_shipped_order_of(shop, ann)
    shop.clock.advance(timedelta(days=30))
    order = read((await shop.cancel_order(change(paid, operator), reason=CancelReason.OUT_OF_STOCK)).order)
    assert (order.status, order.refund_due) == (Status.CANCELED, "20.00")
    with pytest.raises(IllegalTransition):
        await shop.cancel_order(change(left.id, operator), reason=CancelReason.OUT_OF_STOCK)


# The short way


@pytest.mark.parametrize("by", [an_operator(), an_admin(), SYSTEM], ids=lambda by: str(by.kind))
async def test_staff_and_services_take_an_order_all_the_way_by_naming_its_status(
    shop: Shop, ann: Actor, by: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    for status in (Status.PAID, Status.SHIPPED, Status.DELIVERED):
        order = read((await shop.change_status(change(order_id, by), status)).order)
        assert order.status is status
    assert (order.captured, order.fulfillment_status) == ("20.00", "DELIVERED")
    history = await shop.views.events(order_id, after_seq=1, limit=99)
    assert {event.actor.kind for event in history} == {by.kind}


async def test_the_customer_may_only_cancel_by_naming_a_status(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    for status in (Status.PAID, Status.SHIPPED, Status.DELIVERED):
        with pytest.raises(NotAllowed):
            await shop.change_status(change(order_id, ann), status)
    assert read((await shop.change_status(change(order_id, ann), Status.CANCELED)).order).status is Status.CANCELED


async def test_naming_a_status_pays_what_is_still_open(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.pay(order_id, "12.34")
    order = read((await shop.change_status(change(order_id, operator), Status.PAID)).order)
    assert [payment.amount for payment in order.payments] == ["12.34", "7.66"]


async def test_naming_the_status_it_has_changes_nothing(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.a_paid_order_of(ann)
    assert (await shop.change_status(change(order_id, operator), Status.PAID)).order.version == 3


async def test_no_status_can_be_jumped_over(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    for status in (Status.SHIPPED, Status.DELIVERED):
        with pytest.raises(IllegalTransition):
            await shop.change_status(change(order_id, operator), status)
    assert (await shop.see(order_id)).version == 1


@pytest.mark.parametrize("status", [Status.PAID, Status.SHIPPED, Status.DELIVERED, Status.CANCELED])
async def test_a_strangers_change_finds_no_order(shop: Shop, ann: Actor, status: Status) -> None:
    order_id = await shop.an_order_of(ann)
    for wanted in (order_id, uuid4()):
        with pytest.raises(OrderNotFound):
            await shop.change_status(change(wanted, a_customer()), status)
