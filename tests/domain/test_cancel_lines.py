from collections.abc import Callable
from copy import deepcopy
from uuid import uuid4

import pytest

from order_service.domain import events
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import IllegalTransition, InvalidField, OverCancellation, OverShipment
from order_service.domain.lifecycle import CancelReason, FulfillmentStatus, PaymentStatus, Status
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from tests.builders import (
    NOON,
    a_line_request,
    a_paid_order,
    a_shipped_order,
    after,
    an_operator,
    an_order,
    news_of,
    some_of,
)

STAFF = an_operator()


def euros(text: str) -> Money:
    return Money.parse(text, "EUR", field="amount")


def take_out(order: Order, *quantities: int) -> None:
    order.cancel_lines(some_of(order, *quantities), reason=CancelReason.OUT_OF_STOCK, by=STAFF, at=after(hours=1))


def mugs_and_plates(place: Callable[..., Order] = an_order) -> Order:
    """Four mugs for 10.00 each and three plates for 5.00 each: 55.00."""
    mugs, plates = a_line_request(quantity=4, unit_price="10"), a_line_request(quantity=3, unit_price="5")
    return place(lines=[mugs, plates])


def pay(order: Order, amount: str, *, id: str = "payment-1") -> None:
    order.record_payment(payment_id=id, amount=euros(amount), method="CARD", by=SYSTEM, at=NOON)


def ship(order: Order, id: str, *quantities: int) -> None:
    order.ship(shipment_id=id, lines=some_of(order, *quantities), by=STAFF, at=NOON)


# What is taken out


def test_what_is_taken_out_of_an_unpaid_order_is_not_to_be_paid() -> None:
    order = mugs_and_plates()
    mugs, plates = order.lines
    order.take_events()
    take_out(order, 1, 2)
    assert [line.canceled for line in order.lines] == [1, 2]
    assert [line.wanted for line in order.lines] == [3, 1]
    assert (str(order.total), str(order.price), str(order.cost), str(order.open_amount)) == (
        "55.00", "35.00", "35.00", "35.00",
    )  # fmt: skip
    assert (order.status, order.refund_due) == (Status.PENDING, euros("0"))
    assert [(entry.seq, entry.event, entry.by, entry.at) for entry in order.take_events()] == [
        (2, events.LineCanceled(line_id=str(mugs.line_id), quantity=1, reason="OUT_OF_STOCK"), STAFF, after(hours=1)),
        (
            3,
            events.LineCanceled(line_id=str(plates.line_id), quantity=2, reason="OUT_OF_STOCK"),
            STAFF,
            after(hours=1),
        ),
    ]
    assert order.version == 3


def test_what_was_paid_for_it_is_owed_back() -> None:
    order = mugs_and_plates(a_paid_order)
    order.take_events()
    take_out(order, 1)
    assert (order.status, order.payment_status) == (Status.PAID, PaymentStatus.PAID)
    assert order.refund_due == euros("10")
    assert news_of(order)[1:] == [events.RefundDue(amount="10.00")]
    take_out(order, 0, 1)
    assert news_of(order)[1:] == [events.RefundDue(amount="15.00")]


def test_what_went_back_already_is_not_owed_twice() -> None:
    order = mugs_and_plates(a_paid_order)
    order.record_refund(refund_id="refund-1", amount=euros("12"), reason="", by=STAFF, at=NOON)
    order.take_events()
    take_out(order, 1)
    assert order.refund_due == euros("0")
    assert len(news_of(order)) == 1
    take_out(order, 1)
    assert order.refund_due == euros("8")


def test_what_cost_nothing_is_taken_out_without_owing_anything() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=1), a_line_request(quantity=2, unit_price="0")])
    order.take_events()
    take_out(order, 0, 1)
    assert [event.type for event in news_of(order)] == ["order.line_canceled"]


def test_what_is_taken_out_never_ships() -> None:
    order = mugs_and_plates(a_paid_order)
    take_out(order, 1, 3)
    mugs = order.lines[0]
    with pytest.raises(OverShipment) as refusal:
        ship(order, "parcel-1", 4)
    assert refusal.value.details() == {"line_id": mugs.line_id, "quantity": 4, "left": 3}
    order.ship(shipment_id="parcel-1", by=STAFF, at=NOON)
    assert order.shipments[0].lines == (LineQuantity(mugs.line_id, 3),)
    assert order.status is Status.SHIPPED


def test_the_whole_order_can_still_be_called_off() -> None:
    order = mugs_and_plates(a_paid_order)
    take_out(order, 1)
    order.take_events()
    order.move_to(Status.CANCELED, fact_id="unused", window=after(hours=1) - NOON, by=STAFF, at=after(hours=2))
    assert (order.status, order.refund_due) == (Status.CANCELED, euros("55"))
    assert news_of(order) == [events.OrderCanceled(reason="OTHER"), events.RefundDue(amount="55.00")]


# Where the order comes to by it


def test_an_order_paid_for_all_that_is_left_becomes_paid() -> None:
    order = mugs_and_plates()
    pay(order, "35")
    order.take_events()
    take_out(order, 2)
    assert (order.status, order.payment_status, order.refund_due) == (Status.PAID, PaymentStatus.PAID, euros("0"))
    assert news_of(order)[1:] == [events.OrderPaid(captured="35.00")]


def test_an_order_paid_for_more_than_is_left_becomes_paid_and_owes_the_surplus() -> None:
    order = mugs_and_plates()
    pay(order, "50")
    order.take_events()
    take_out(order, 1)
    assert (order.status, order.refund_due) == (Status.PAID, euros("5"))
    assert news_of(order)[1:] == [events.OrderPaid(captured="50.00"), events.RefundDue(amount="5.00")]


def test_an_order_of_which_only_gifts_are_left_becomes_paid() -> None:
    order = an_order(lines=[a_line_request(quantity=1), a_line_request(quantity=1, unit_price="0")])
    order.take_events()
    take_out(order, 1)
    assert order.status is Status.PAID
    assert news_of(order)[1:] == [events.OrderPaid(captured="0.00")]


def test_an_order_that_is_not_paid_for_what_is_left_stays_pending() -> None:
    order = mugs_and_plates()
    pay(order, "34.99")
    take_out(order, 2)
    assert (order.status, order.open_amount) == (Status.PENDING, euros("0.01"))


def test_an_order_of_which_all_that_is_left_is_on_its_way_becomes_shipped() -> None:
    order = mugs_and_plates(a_paid_order)
    ship(order, "parcel-1", 4, 1)
    order.take_events()
    take_out(order, 0, 2)
    assert (order.status, order.fulfillment_status) == (Status.SHIPPED, FulfillmentStatus.SHIPPED)
    assert news_of(order)[1:] == [events.OrderShipped(), events.RefundDue(amount="10.00")]


def test_an_order_of_which_all_that_is_left_has_arrived_becomes_delivered() -> None:
    order = mugs_and_plates(a_paid_order)
    ship(order, "parcel-1", 4)
    order.deliver("parcel-1", by=STAFF, at=NOON)
    order.take_events()
    take_out(order, 0, 3)
    assert (order.status, order.fulfillment_status) == (Status.DELIVERED, FulfillmentStatus.DELIVERED)
    assert news_of(order)[1:] == [events.OrderShipped(), events.OrderDelivered(), events.RefundDue(amount="15.00")]


def test_an_order_of_which_one_parcel_is_still_on_its_way_becomes_only_shipped() -> None:
    order = mugs_and_plates(a_paid_order)
    ship(order, "parcel-1", 4)
    ship(order, "parcel-2", 0, 1)
    order.deliver("parcel-1", by=STAFF, at=NOON)
    take_out(order, 0, 2)
    assert order.status is Status.SHIPPED


def test_an_order_of_which_something_is_still_to_ship_stays_paid() -> None:
    order = mugs_and_plates(a_paid_order)
    ship(order, "parcel-1", 3)
    take_out(order, 0, 3)
    assert (order.status, order.fulfillment_status) == (Status.PAID, FulfillmentStatus.PARTIAL)


# What cannot be taken out


def test_no_more_can_be_taken_out_than_has_not_left_and_was_not_taken_out() -> None:
    order = mugs_and_plates(a_paid_order)
    mugs = order.lines[0].line_id
    ship(order, "parcel-1", 1)
    take_out(order, 1)
    before = deepcopy(order)
    with pytest.raises(OverCancellation) as refusal:
        take_out(order, 3)
    assert refusal.value.details() == {"line_id": mugs, "quantity": 3, "left": 2}
    assert order == before
    take_out(order, 2)
    with pytest.raises(OverCancellation) as refusal:
        take_out(order, 1)
    assert refusal.value.details() == {"line_id": mugs, "quantity": 1, "left": 0}


def test_a_line_named_twice_counts_twice_and_is_told_once() -> None:
    order = mugs_and_plates()
    mugs = order.lines[0].line_id
    with pytest.raises(OverCancellation) as refusal:
        order.cancel_lines(
            [LineQuantity(mugs, 3), LineQuantity(mugs, 2)], reason=CancelReason.OTHER, by=STAFF, at=NOON
        )
    assert refusal.value.details() == {"line_id": mugs, "quantity": 2, "left": 1}
    order.take_events()
    order.cancel_lines([LineQuantity(mugs, 1), LineQuantity(mugs, 2)], reason=CancelReason.OTHER, by=STAFF, at=NOON)
    assert order.lines[0].canceled == 3
    assert news_of(order) == [events.LineCanceled(line_id=str(mugs), quantity=3, reason="OTHER")]


@pytest.mark.parametrize("quantity", [0, -1])
def test_at_least_one_of_a_line_is_taken_out(quantity: int) -> None:
    order = mugs_and_plates()
    before = deepcopy(order)
    mugs, plates = (line.line_id for line in order.lines)
    with pytest.raises(InvalidField, match=f"must be at least 1, not {quantity}") as refusal:
        order.cancel_lines(
            [LineQuantity(mugs, 1), LineQuantity(plates, quantity)], reason=CancelReason.OTHER, by=STAFF, at=NOON
        )
    assert refusal.value.field == "lines[1].quantity"
    assert order == before


def test_only_lines_of_the_order_are_taken_out() -> None:
    order = mugs_and_plates()
    before = deepcopy(order)
    with pytest.raises(InvalidField, match="is not a line of this order") as refusal:
        order.cancel_lines([LineQuantity(uuid4(), 1)], reason=CancelReason.OTHER, by=STAFF, at=NOON)
    assert refusal.value.field == "lines[0].line_id"
    assert order == before


def test_to_take_nothing_out_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"^lines must name at least one line"):
        take_out(mugs_and_plates())


def test_something_of_the_order_must_be_left() -> None:
    fresh, begun = mugs_and_plates(), mugs_and_plates(a_paid_order)
    take_out(begun, 4, 2)
    for order, rest in ((fresh, (4, 3)), (begun, (0, 1))):
        before = deepcopy(order)
        with pytest.raises(InvalidField, match="would leave nothing of the order") as refusal:
            take_out(order, *rest)
        assert refusal.value.field == "lines"
        assert order == before


def test_what_has_left_can_be_all_that_is_left() -> None:
    order = mugs_and_plates(a_paid_order)
    ship(order, "parcel-1", 1)
    take_out(order, 3, 3)
    assert order.status is Status.SHIPPED


def test_nothing_is_taken_out_of_what_is_on_its_way() -> None:
    with pytest.raises(IllegalTransition) as refusal:
        take_out(a_shipped_order(), 1)
    assert refusal.value.allowed == ["DELIVERED"]


def test_taking_a_line_out_does_not_move_the_time_at_which_the_order_was_paid() -> None:
    order = mugs_and_plates()
    for number, hours in enumerate((2, 3)):
        order.record_payment(
            payment_id=f"half {number}", amount=euros("27.50"), method="CARD", by=SYSTEM, at=after(hours=hours)
        )
    take_out(order, 0, 1)
    assert order.paid_at == after(hours=3)


def test_an_order_that_is_paid_by_taking_a_line_out_is_paid_from_then_on() -> None:
    order = mugs_and_plates()
    order.record_payment(payment_id="most", amount=euros("50"), method="CARD", by=SYSTEM, at=NOON)
    take_out(order, 0, 1)
    assert (order.status, order.paid_at) == (Status.PAID, after(hours=1))
