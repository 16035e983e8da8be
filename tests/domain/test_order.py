from copy import deepcopy
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from order_service.domain import events
from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import (
    AlreadyProcessed,
    CancelWindowClosed,
    CurrencyUnknown,
    IllegalTransition,
    InvalidField,
    NotAllowed,
    OrderServiceError,
    Overpayment,
    OverShipment,
    PaymentKnown,
    ShipmentNotFound,
    TotalMismatch,
)
from order_service.domain.facts import Cancellation
from order_service.domain.lifecycle import (
    CancelReason,
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.domain.lines import Line, LineQuantity, fingerprint_of, priced_lines
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.payments import Payment
from order_service.domain.recorded import Recorded
from order_service.domain.shipments import Shipment
from tests.builders import (
    CANCEL_WINDOW,
    NOON,
    TIME_TO_PAY,
    a_canceled_order,
    a_customer,
    a_delivered_order,
    a_line_request,
    a_paid_order,
    a_shipped_order,
    after,
    an_operator,
    an_order,
    news_of,
)

STAFF = an_operator()
INSTANT = timedelta(microseconds=1)
SCREENED_OUT = "The total 20.00 is over the limit of 10.00."


def euros(text: str) -> Money:
    return Money.parse(text, "EUR", field="amount")


def pay(
    order: Order, amount: str, *, id: str = "payment-1", method: str = "CARD", by: Actor = STAFF, at: datetime = NOON
) -> None:
    money = Money.parse(amount, order.currency, field="amount")
    order.record_payment(payment_id=id, amount=money, method=method, by=by, at=at)


def ship(order: Order, id: str, *quantities: int, by: Actor = STAFF, at: datetime = NOON) -> None:
    """A parcel with so many of the first line, of the second, and so on."""
    lines = [
        LineQuantity(line.line_id, quantity)
        for line, quantity in zip(order.lines, quantities, strict=False)
        if quantity
    ]
    order.ship(shipment_id=id, lines=lines, by=by, at=at)


def cancel(
    order: Order,
    *,
    by: Actor = STAFF,
    at: datetime = NOON,
    reason: CancelReason | None = None,
    note: str = "",
) -> None:
    """For a reason that is open to `by`, unless another is named."""
    reason = reason or (CancelReason.CUSTOMER_REQUEST if by.only_own else CancelReason.OUT_OF_STOCK)
    order.cancel(reason=reason, note=note, window=CANCEL_WINDOW, by=by, at=at)


def owner_of(order: Order) -> Actor:
    return a_customer(order.customer_id)


def where(order: Order) -> tuple[Status, FulfillmentStatus]:
    return order.status, order.fulfillment_status


def fields_of(refusal: pytest.ExceptionInfo[OrderServiceError]) -> dict[str, object]:
    return dict(refusal.value.details())


# Placing


def test_a_new_order_is_pending_and_waits_for_screening() -> None:
    ann, order_id, line_id = a_customer(), uuid4(), uuid4()
    order = an_order(
        id=order_id,
        number="0000-0000-0161",
        by=ann,
        lines=[a_line_request(line_id=line_id, name="Mug", sku="MUG", quantity=3, unit_price="4.5")],
        external_ref="cart-7",
        metadata={"channel": "web"},
        at=NOON,
        pay_by=after(hours=2),
    )
    assert (order.id, order.number, order.customer_id, order.currency) == (order_id, "0000-0000-0161", ann.id, "EUR")
    assert order.lines == (Line(line_id=line_id, name="Mug", sku="MUG", quantity=3, unit_price=euros("4.50")),)
    assert (order.placed_at, order.updated_at, order.pay_by) == (NOON, NOON, after(hours=2))
    assert (order.external_ref, order.metadata) == ("cart-7", {"channel": "web"})
    assert (order.payments, order.shipments, order.cancellation) == ((), (), None)
    assert order.status is Status.PENDING
    assert order.processing_status is ProcessingStatus.QUEUED
    assert order.payment_status is PaymentStatus.UNPAID
    assert order.fulfillment_status is FulfillmentStatus.UNFULFILLED
    assert order.return_status is ReturnStatus.NONE
    assert (order.version, order.paid_at) == (1, None)


def test_the_first_event_of_an_order_tells_its_total() -> None:
    ann = a_customer()
    assert an_order(by=ann).take_events() == [
        Recorded(seq=1, event=events.OrderPlaced(total="20.00", currency="EUR"), by=ann, at=NOON)
    ]


def test_the_total_is_the_sum_of_the_line_totals() -> None:
    order = an_order(
        lines=[
            a_line_request(quantity=3, unit_price="19.99"),
            a_line_request(quantity=1000, unit_price="0.01"),
            a_line_request(quantity=1, unit_price="0"),
        ]
    )
    assert [str(line.total) for line in order.lines] == ["59.97", "10.00", "0.00"]
    assert str(order.total) == str(order.cost) == str(order.open_amount) == "69.97"
    assert str(order.captured) == str(order.refunded) == str(order.refund_due) == "0.00"


@pytest.mark.parametrize(
    ("currency", "unit_price", "total"),
    [("JPY", "500", "1500"), ("KWD", "0.125", "0.375"), ("CLF", "1.0001", "3.0003")],
)
def test_an_order_is_priced_with_the_decimals_of_its_currency(currency: str, unit_price: str, total: str) -> None:
    order = an_order(currency=currency, lines=[a_line_request(quantity=3, unit_price=unit_price)])
    assert str(order.total) == total
    assert order.total.currency == currency


def test_a_total_that_the_client_sends_must_agree() -> None:
    assert an_order(total_price="20").total == an_order(total_price="20.00").total == euros("20")
    for sent in ("19.99", "20.01", "0"):
        with pytest.raises(TotalMismatch) as refusal:
            an_order(total_price=sent)
        assert fields_of(refusal) == {"sent": str(euros(sent)), "computed": "20.00"}
    with pytest.raises(InvalidField, match=r"^total_price has more decimals than EUR"):
        an_order(total_price="20.001")


def test_an_order_has_1_to_200_lines() -> None:
    assert len(an_order(lines=[a_line_request()] * 200).lines) == 200
    for count in (0, 201):
        with pytest.raises(InvalidField) as refusal:
            an_order(lines=[a_line_request()] * count)
        assert fields_of(refusal) == {"field": "lines", "reason": f"must have 1 to 200 entries, not {count}."}


def test_a_line_has_a_quantity_of_1_to_a_million() -> None:
    for quantity in (1, 1_000_000):
        assert an_order(lines=[a_line_request(quantity=quantity)]).lines[0].quantity == quantity
    for quantity in (-1, 0, 1_000_001):
        with pytest.raises(InvalidField, match=f"must be 1 to 1000000, not {quantity}") as refusal:
            an_order(lines=[a_line_request(), a_line_request(quantity=quantity)])
        assert refusal.value.field == "lines[1].quantity"


@pytest.mark.parametrize("price", ["-0.01", "1.001", "free", "", "1e2"])
def test_a_line_whose_price_is_not_an_amount_is_refused(price: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        an_order(lines=[a_line_request(), a_line_request(unit_price=price)])
    assert refusal.value.field == "lines[1].unit_price"


def test_names_and_skus_have_their_lengths() -> None:
    line = an_order(lines=[a_line_request(name="n" * 255, sku="s" * 64)]).lines[0]
    assert (line.name, line.sku) == ("n" * 255, "s" * 64)
    assert an_order(lines=[a_line_request(sku=None)]).lines[0].sku is None
    for name in ("", "n" * 256, "a\0b", "a\nb"):
        with pytest.raises(InvalidField) as refusal:
            an_order(lines=[a_line_request(name=name)])
        assert refusal.value.field == "lines[0].name"
    for sku in ("", "s" * 65, "\x1b[31m"):
        with pytest.raises(InvalidField) as refusal:
            an_order(lines=[a_line_request(sku=sku)])
        assert refusal.value.field == "lines[0].sku"


def test_an_external_ref_has_1_to_100_visible_characters() -> None:
    assert an_order(external_ref="r" * 100).external_ref == "r" * 100
    assert an_order().external_ref is None
    for ref in ("", "r" * 101, "a\tb"):
        with pytest.raises(InvalidField) as refusal:
            an_order(external_ref=ref)
        assert refusal.value.field == "external_ref"


def test_metadata_is_limited_and_copied() -> None:
    sent = {"channel": "web"}
    order = an_order(metadata=sent)
    sent["channel"] = "shop"
    assert order.metadata == {"channel": "web"}
    assert an_order().metadata == {}
    for metadata in ({f"k{i}": "" for i in range(51)}, {"k" * 41: ""}, {"k": "v" * 501}):
        with pytest.raises(InvalidField) as refusal:
            an_order(metadata=metadata)
        assert refusal.value.field == "metadata"


@pytest.mark.parametrize("currency", ["ZZZ", "eur", "XAU"])
def test_an_order_in_no_currency_of_iso_4217_is_refused(currency: str) -> None:
    with pytest.raises(CurrencyUnknown) as refusal:
        an_order(currency=currency)
    assert fields_of(refusal) == {"currency": currency}


def test_a_line_total_must_fit_a_signed_64_bit_integer() -> None:
    largest = 2**63 - 1  # is 7 times 1317624576693539401
    fits = a_line_request(quantity=7, unit_price=str(largest // 7))
    assert an_order(currency="JPY", lines=[fits]).total == Money(largest, "JPY")
    with pytest.raises(InvalidField, match="over the largest amount") as refusal:
        an_order(currency="JPY", lines=[a_line_request(quantity=7, unit_price=str(largest // 7 + 1))])
    assert refusal.value.field == "lines[0].unit_price"


def test_an_order_total_must_fit_a_signed_64_bit_integer() -> None:
    half = a_line_request(quantity=1, unit_price=str(2**62))
    under_half = a_line_request(quantity=1, unit_price=str(2**62 - 1))
    assert an_order(currency="JPY", lines=[half, under_half]).total == Money(2**63 - 1, "JPY")
    with pytest.raises(InvalidField, match="over the largest amount") as refusal:
        an_order(currency="JPY", lines=[half, half])
    assert refusal.value.field == "lines"


def test_an_order_that_costs_nothing_is_paid_at_once() -> None:
    order = an_order(lines=[a_line_request(unit_price="0")])
    assert order.status is Status.PAID
    assert order.payment_status is PaymentStatus.PAID
    assert order.paid_at == NOON
    assert order.version == 2
    assert news_of(order) == [
        events.OrderPlaced(total="0.00", currency="EUR"),
        events.OrderPaid(captured="0.00"),
    ]


# Screening


def test_an_order_without_findings_is_processed() -> None:
    order = an_order()
    order.take_events()
    order.process([], by=SYSTEM, at=after(minutes=1))
    assert order.processing_status is ProcessingStatus.PROCESSED
    assert order.status is Status.PENDING
    assert order.take_events() == [
        Recorded(seq=2, event=events.OrderProcessed(findings=()), by=SYSTEM, at=after(minutes=1))
    ]


def test_an_order_with_findings_is_rejected_and_canceled() -> None:
    order = an_order()
    order.take_events()
    order.process([SCREENED_OUT, "Again."], by=SYSTEM, at=after(minutes=1))
    assert order.processing_status is ProcessingStatus.REJECTED
    assert order.status is Status.CANCELED
    assert order.cancellation == Cancellation(
        reason=CancelReason.REJECTED, note=f"{SCREENED_OUT} Again.", canceled_at=after(minutes=1)
    )
    assert news_of(order) == [
        events.OrderRejected(findings=(SCREENED_OUT, "Again.")),
        events.OrderCanceled(reason="REJECTED"),
    ]


def test_what_was_paid_for_a_rejected_order_is_owed_back() -> None:
    order = a_paid_order()
    order.take_events()
    order.process([SCREENED_OUT], by=SYSTEM, at=NOON)
    assert order.refund_due == euros("20")
    assert news_of(order) == [
        events.OrderRejected(findings=(SCREENED_OUT,)),
        events.OrderCanceled(reason="REJECTED"),
        events.RefundDue(amount="20.00"),
    ]


@pytest.mark.parametrize("findings", [[], [SCREENED_OUT]])
def test_an_order_is_screened_only_once(findings: list[str]) -> None:
    for order in (an_order(), an_order()):
        order.process([SCREENED_OUT] if findings else [], by=SYSTEM, at=NOON)
        before = deepcopy(order)
        order.process([SCREENED_OUT], by=SYSTEM, at=after(hours=1))
        order.process([], by=STAFF, at=after(hours=1))
        assert order == before


def test_findings_after_a_parcel_left_are_only_noted() -> None:
    whole, part = a_shipped_order(), a_paid_order()
    ship(part, "parcel-1", 1)
    for order, status in ((whole, Status.SHIPPED), (part, Status.PAID), (a_delivered_order(), Status.DELIVERED)):
        order.take_events()
        order.process([SCREENED_OUT], by=SYSTEM, at=NOON)
        assert order.status is status
        assert order.processing_status is ProcessingStatus.PROCESSED
        assert order.refund_due == euros("0")
        assert news_of(order) == [events.OrderProcessed(findings=(SCREENED_OUT,))]


def test_findings_about_a_canceled_order_are_only_noted() -> None:
    order = a_canceled_order()
    order.take_events()
    order.process([SCREENED_OUT], by=SYSTEM, at=after(hours=1))
    assert order.processing_status is ProcessingStatus.PROCESSED
    assert order.cancellation == Cancellation(reason=CancelReason.OTHER, note="", canceled_at=NOON)
    assert news_of(order) == [events.OrderProcessed(findings=(SCREENED_OUT,))]


def test_screening_is_asked_for_only_while_the_order_is_queued() -> None:
    order = an_order()
    before = deepcopy(order)
    order.require_unprocessed(by=STAFF)
    assert order == before
    with pytest.raises(NotAllowed):
        order.require_unprocessed(by=owner_of(order))
    order.process([], by=SYSTEM, at=NOON)
    with pytest.raises(AlreadyProcessed) as refusal:
        order.require_unprocessed(by=STAFF)
    assert fields_of(refusal) == {"processing_status": "PROCESSED"}


# Payments


def test_a_part_payment_leaves_the_rest_open() -> None:
    order = an_order()
    order.take_events()
    pay(order, "7.50", id="p-1", method="TRANSFER", at=after(minutes=1))
    assert order.status is Status.PENDING
    assert order.payment_status is PaymentStatus.PARTIALLY_PAID
    assert (str(order.captured), str(order.open_amount), str(order.refund_due)) == ("7.50", "12.50", "0.00")
    assert order.paid_at is None
    assert order.payments == (
        Payment(payment_id="p-1", amount=euros("7.50"), method="TRANSFER", recorded_at=after(minutes=1)),
    )
    recorded = events.PaymentRecorded(payment_id="p-1", amount="7.50", method="TRANSFER")
    assert order.take_events() == [Recorded(seq=2, event=recorded, by=STAFF, at=after(minutes=1))]


def test_the_payment_that_completes_the_price_makes_the_order_paid() -> None:
    order = an_order()
    pay(order, "7.50", id="p-1", at=NOON)
    order.take_events()
    pay(order, "12.50", id="p-2", at=after(hours=1))
    assert order.status is Status.PAID
    assert order.payment_status is PaymentStatus.PAID
    assert order.paid_at == after(hours=1)
    assert [payment.payment_id for payment in order.payments] == ["p-1", "p-2"]
    assert news_of(order) == [
        events.PaymentRecorded(payment_id="p-2", amount="12.50", method="CARD"),
        events.OrderPaid(captured="20.00"),
    ]


def test_staff_cannot_record_more_than_is_open() -> None:
    order = an_order()
    pay(order, "7.50", id="p-1")
    with pytest.raises(Overpayment) as refusal:
        pay(order, "12.51", id="p-2")
    assert fields_of(refusal) == {"amount": "12.51", "open": "12.50"}
    assert len(order.payments) == 1


def test_staff_cannot_record_a_payment_twice() -> None:
    order = an_order()
    pay(order, "5", id="p-1")
    with pytest.raises(PaymentKnown) as refusal:
        pay(order, "5", id="p-1")
    assert fields_of(refusal) == {"payment_id": "p-1"}
    assert order.captured == euros("5")


def test_a_payment_is_more_than_nothing_and_in_the_currency_of_the_order() -> None:
    order = an_order()
    before = deepcopy(order)
    for by in (STAFF, SYSTEM):
        for minor in (0, -1):
            with pytest.raises(InvalidField, match=r"^amount must be more than 0"):
                order.record_payment(payment_id="p", amount=Money(minor, "EUR"), method="CARD", by=by, at=NOON)
        with pytest.raises(InvalidField, match=r"^currency must be EUR"):
            order.record_payment(payment_id="p", amount=Money(100, "USD"), method="CARD", by=by, at=NOON)
    assert order == before


@pytest.mark.parametrize(
    ("id", "method", "field"),
    [("", "CARD", "payment_id"), ("p" * 256, "CARD", "payment_id"), ("p\0", "CARD", "payment_id"),
     ("p", "", "method"), ("p", "m" * 51, "method"), ("p", "CA\nRD", "method")],
)  # fmt: skip
def test_a_payment_has_readable_words(id: str, method: str, field: str) -> None:
    order = an_order()
    before = deepcopy(order)
    with pytest.raises(InvalidField) as refusal:
        pay(order, "20", id=id, method=method)
    assert refusal.value.field == field
    assert order == before
    pay(order, "20", id="p" * 255, method="m" * 50)


def test_a_fact_that_is_known_changes_nothing() -> None:
    order = a_paid_order()
    before = deepcopy(order)
    pay(order, "20", id="payment-1", by=SYSTEM, at=after(hours=1))
    pay(order, "99", id="payment-1", by=SYSTEM, at=after(hours=1))
    assert order == before


def test_money_that_came_in_is_a_fact_even_when_it_is_too_much() -> None:
    order = an_order()
    order.take_events()
    pay(order, "25", id="p-1", by=SYSTEM)
    assert order.status is Status.PAID
    assert (str(order.captured), str(order.open_amount), str(order.refund_due)) == ("25.00", "0.00", "5.00")
    assert news_of(order) == [
        events.PaymentRecorded(payment_id="p-1", amount="25.00", method="CARD"),
        events.OrderPaid(captured="25.00"),
        events.RefundDue(amount="5.00"),
    ]
    pay(order, "1", id="p-2", by=SYSTEM)
    assert news_of(order)[1:] == [events.RefundDue(amount="6.00")]


def test_money_that_came_too_late_is_a_fact_and_owed_back() -> None:
    order = a_canceled_order()
    order.take_events()
    pay(order, "8", id="p-1", by=SYSTEM)
    pay(order, "12", id="p-2", by=SYSTEM)
    assert order.status is Status.CANCELED
    assert (order.captured, order.refund_due) == (euros("20"), euros("20"))
    assert news_of(order) == [
        events.PaymentRecorded(payment_id="p-1", amount="8.00", method="CARD"),
        events.RefundDue(amount="8.00"),
        events.PaymentRecorded(payment_id="p-2", amount="12.00", method="CARD"),
        events.RefundDue(amount="20.00"),
    ]


def test_all_payments_together_fit_a_signed_64_bit_integer() -> None:
    order = a_paid_order(currency="JPY", lines=[a_line_request(quantity=1, unit_price=str(2**63 - 2))])
    pay(order, "1", id="p-2", by=SYSTEM)
    before = deepcopy(order)
    with pytest.raises(InvalidField, match=r"^amount is over the largest amount"):
        pay(order, "1", id="p-3", by=SYSTEM)
    assert order == before


def test_a_canceled_order_that_nobody_paid_is_unpaid() -> None:
    assert a_canceled_order().payment_status is PaymentStatus.UNPAID


# Shipping


def test_an_order_ships_in_parcels() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=2), a_line_request(quantity=3)])
    mugs, plates = (line.line_id for line in order.lines)
    order.take_events()

    order.ship(
        shipment_id="parcel-1",
        lines=[LineQuantity(mugs, 1), LineQuantity(plates, 3)],
        carrier="DHL",
        tracking="JD014",
        by=STAFF,
        at=after(hours=1),
    )
    assert where(order) == (Status.PAID, FulfillmentStatus.PARTIAL)
    assert list(order.shipments) == [
        Shipment(
            shipment_id="parcel-1",
            lines=(LineQuantity(mugs, 1), LineQuantity(plates, 3)),
            carrier="DHL",
            tracking="JD014",
            dispatched_at=after(hours=1),
        )
    ]
    dispatched = events.ShipmentDispatched(shipment_id="parcel-1", quantities={str(mugs): 1, str(plates): 3})
    assert news_of(order) == [dispatched]

    order.ship(shipment_id="parcel-2", by=STAFF, at=after(hours=2))
    assert where(order) == (Status.SHIPPED, FulfillmentStatus.SHIPPED)
    assert order.shipments[1].lines == (LineQuantity(mugs, 1),)
    assert (order.shipments[1].carrier, order.shipments[1].tracking) == (None, None)
    assert news_of(order) == [
        events.ShipmentDispatched(shipment_id="parcel-2", quantities={str(mugs): 1}),
        events.OrderShipped(),
    ]


def test_no_more_can_ship_than_was_ordered_and_has_not_left() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=5), a_line_request(quantity=1)])
    line_id = order.lines[0].line_id
    with pytest.raises(OverShipment) as refusal:
        ship(order, "parcel-1", 6)
    assert fields_of(refusal) == {"line_id": line_id, "quantity": 6, "left": 5}
    ship(order, "parcel-1", 3)
    before = deepcopy(order)
    with pytest.raises(OverShipment) as refusal:
        ship(order, "parcel-2", 3, 1)
    assert fields_of(refusal) == {"line_id": line_id, "quantity": 3, "left": 2}
    assert order == before


def test_a_line_named_twice_in_a_parcel_counts_twice() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=3)])
    line_id = order.lines[0].line_id
    with pytest.raises(OverShipment) as refusal:
        order.ship(
            shipment_id="parcel-1",
            lines=[LineQuantity(line_id, 2), LineQuantity(line_id, 2)],
            by=STAFF,
            at=NOON,
        )
    assert fields_of(refusal) == {"line_id": line_id, "quantity": 2, "left": 1}


def test_the_event_of_a_parcel_tells_all_that_left_even_when_a_line_is_named_twice() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=3)])
    line_id = order.lines[0].line_id
    order.take_events()
    order.ship(shipment_id="parcel-1", lines=[LineQuantity(line_id, 1), LineQuantity(line_id, 2)], by=STAFF, at=NOON)
    assert news_of(order)[0] == events.ShipmentDispatched(shipment_id="parcel-1", quantities={str(line_id): 3})


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_parcel_carries_at_least_one_of_a_line(quantity: int) -> None:
    order = a_paid_order()
    lines = [LineQuantity(order.lines[0].line_id, 1), LineQuantity(order.lines[0].line_id, quantity)]
    with pytest.raises(InvalidField, match=f"must be at least 1, not {quantity}") as refusal:
        order.ship(shipment_id="parcel-1", lines=lines, by=STAFF, at=NOON)
    assert refusal.value.field == "lines[1].quantity"
    assert order.shipments == ()


def test_a_parcel_carries_only_lines_of_its_order() -> None:
    order = a_paid_order()
    lines = [LineQuantity(order.lines[0].line_id, 1), LineQuantity(uuid4(), 1)]
    with pytest.raises(InvalidField, match="is not a line of this order") as refusal:
        order.ship(shipment_id="parcel-1", lines=lines, by=STAFF, at=NOON)
    assert refusal.value.field == "lines[1].line_id"
    assert order.shipments == ()


def test_an_empty_parcel_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"^lines must name at least one line"):
        ship(a_paid_order(), "parcel-1")


@pytest.mark.parametrize(
    ("id", "carrier", "tracking", "field"),
    [("", None, None, "shipment_id"), ("s" * 256, None, None, "shipment_id"), ("s\n", None, None, "shipment_id"),
     ("s", "", None, "carrier"), ("s", "c" * 101, None, "carrier"), ("s", None, "", "tracking"),
     ("s", None, "t" * 256, "tracking")],
)  # fmt: skip
def test_a_parcel_has_readable_words(id: str, carrier: str | None, tracking: str | None, field: str) -> None:
    order = a_paid_order()
    before = deepcopy(order)
    with pytest.raises(InvalidField) as refusal:
        order.ship(shipment_id=id, carrier=carrier, tracking=tracking, by=STAFF, at=NOON)
    assert refusal.value.field == field
    assert order == before
    order.ship(shipment_id="s" * 255, carrier="c" * 100, tracking="t" * 255, by=STAFF, at=NOON)


def test_a_parcel_that_is_known_changes_nothing() -> None:
    part, whole = a_paid_order(), a_shipped_order()
    ship(part, "parcel-1", 1)
    for order in (part, whole):
        before = deepcopy(order)
        for by in (STAFF, SYSTEM):
            order.ship(shipment_id="parcel-1", by=by, at=after(hours=1))
        assert order == before


def test_nothing_ships_before_all_is_paid() -> None:
    order = an_order()
    pay(order, "19.99")
    with pytest.raises(IllegalTransition):
        ship(order, "parcel-1", 1)


def test_a_canceled_quantity_never_ships_and_costs_nothing() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=3, unit_price="10"), a_line_request(quantity=1)])
    line = order.lines[0]
    order.cancel_lines([LineQuantity(line.line_id, 1)], reason=CancelReason.OUT_OF_STOCK, by=STAFF, at=NOON)
    assert (str(order.total), str(order.cost), str(order.refund_due)) == ("40.00", "30.00", "10.00")
    with pytest.raises(OverShipment) as refusal:
        ship(order, "parcel-1", 3)
    assert fields_of(refusal) == {"line_id": line.line_id, "quantity": 3, "left": 2}
    order.ship(shipment_id="parcel-1", by=STAFF, at=NOON)
    assert order.status is Status.SHIPPED
    assert order.shipments[0].lines[0] == LineQuantity(line.line_id, 2)


# Delivering


def test_an_order_is_delivered_when_its_last_parcel_arrives() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=2)])
    ship(order, "parcel-1", 1)
    ship(order, "parcel-2", 1)
    order.take_events()

    order.deliver("parcel-2", by=STAFF, at=after(hours=1))
    assert order.status is Status.SHIPPED
    assert [parcel.delivered_at for parcel in order.shipments] == [None, after(hours=1)]
    assert news_of(order) == [events.ShipmentDelivered(shipment_id="parcel-2")]

    order.deliver("parcel-1", by=SYSTEM, at=after(hours=2))
    assert where(order) == (Status.DELIVERED, FulfillmentStatus.DELIVERED)
    assert [parcel.delivered_at for parcel in order.shipments] == [after(hours=2), after(hours=1)]
    assert news_of(order) == [events.ShipmentDelivered(shipment_id="parcel-1"), events.OrderDelivered()]


def test_an_order_is_not_delivered_while_something_has_not_left() -> None:
    order = a_paid_order(lines=[a_line_request(quantity=2)])
    ship(order, "parcel-1", 1)
    order.deliver("parcel-1", by=STAFF, at=NOON)
    assert where(order) == (Status.PAID, FulfillmentStatus.PARTIAL)
    ship(order, "parcel-2", 1)
    assert order.status is Status.SHIPPED


def test_a_delivery_that_is_known_changes_nothing() -> None:
    order = a_delivered_order()
    before = deepcopy(order)
    order.deliver("parcel-1", by=SYSTEM, at=after(hours=9))
    assert order == before


def test_a_parcel_that_the_order_does_not_have_cannot_arrive() -> None:
    for order in (a_shipped_order(), a_delivered_order()):
        with pytest.raises(ShipmentNotFound) as refusal:
            order.deliver("parcel-9", by=STAFF, at=NOON)
        assert fields_of(refusal) == {"shipment_id": "parcel-9"}


# Canceling


def test_a_customer_cancels_before_paying() -> None:
    ann = a_customer()
    order = an_order(by=ann)
    order.take_events()
    order.cancel(
        reason=CancelReason.CUSTOMER_REQUEST,
        note="Too slow.",
        window=CANCEL_WINDOW,
        by=ann,
        at=after(hours=23),
    )
    assert order.status is Status.CANCELED
    assert order.cancellation == Cancellation(
        reason=CancelReason.CUSTOMER_REQUEST, note="Too slow.", canceled_at=after(hours=23)
    )
    assert (order.cost, order.open_amount, order.refund_due) == (euros("0"), euros("0"), euros("0"))
    assert order.total == euros("20")
    canceled = events.OrderCanceled(reason="CUSTOMER_REQUEST")
    assert order.take_events() == [Recorded(seq=2, event=canceled, by=ann, at=after(hours=23))]


def test_a_customer_cannot_give_the_reasons_of_the_shop() -> None:
    for reason in CancelReason:
        for order in (an_order(), a_paid_order()):
            if reason in (CancelReason.CUSTOMER_REQUEST, CancelReason.OTHER):
                cancel(order, by=owner_of(order), reason=reason)
                assert order.status is Status.CANCELED
                continue
            before = deepcopy(order)
            with pytest.raises(InvalidField) as refusal:
                cancel(order, by=owner_of(order), reason=reason)
            assert fields_of(refusal) == {
                "field": "reason",
                "reason": "of a customer must be CUSTOMER_REQUEST or OTHER.",
            }
            assert order == before


def test_what_was_paid_for_a_canceled_order_is_owed_back() -> None:
    part, whole = an_order(), a_paid_order()
    pay(part, "7.50")
    for order, owed in ((part, "7.50"), (whole, "20.00")):
        order.take_events()
        cancel(order)
        assert str(order.refund_due) == owed
        assert news_of(order) == [events.OrderCanceled(reason="OUT_OF_STOCK"), events.RefundDue(amount=owed)]


def test_a_customer_may_cancel_until_the_window_after_paying_closes() -> None:
    def paid_in_two() -> Order:
        order = an_order()
        pay(order, "10", id="p-1", at=NOON)
        pay(order, "10", id="p-2", at=after(hours=3))
        return order

    edge = after(hours=3) + CANCEL_WINDOW
    in_time, late = paid_in_two(), paid_in_two()
    cancel(in_time, by=owner_of(in_time), at=edge)
    assert in_time.status is Status.CANCELED
    before = deepcopy(late)
    with pytest.raises(CancelWindowClosed):
        cancel(late, by=owner_of(late), at=edge + INSTANT)
    assert late == before
    cancel(late, by=STAFF, at=edge + INSTANT)
    assert late.status is Status.CANCELED


def test_the_window_of_an_order_that_costs_nothing_opens_at_placing() -> None:
    order = an_order(lines=[a_line_request(unit_price="0")])
    with pytest.raises(CancelWindowClosed):
        cancel(order, by=owner_of(order), at=NOON + CANCEL_WINDOW + INSTANT)
    cancel(order, by=owner_of(order), at=NOON + CANCEL_WINDOW)
    assert order.status is Status.CANCELED


def test_a_pending_order_has_no_window() -> None:
    order = an_order()
    pay(order, "19.99")
    cancel(order, by=owner_of(order), at=NOON + 100 * CANCEL_WINDOW)
    assert order.status is Status.CANCELED


def test_money_that_comes_in_later_does_not_open_the_window_again() -> None:
    order = a_paid_order()
    pay(order, "0.01", id="surplus", by=SYSTEM, at=after(hours=9))
    assert order.paid_at == NOON
    with pytest.raises(CancelWindowClosed):
        cancel(order, by=owner_of(order), at=after(hours=9))


def test_the_system_cancels_what_nobody_paid_in_time() -> None:
    order = an_order()
    due = NOON + TIME_TO_PAY
    order.take_events()
    with pytest.raises(NotAllowed, match="not over yet"):
        cancel(order, by=SYSTEM, reason=CancelReason.EXPIRED, at=due - INSTANT)
    cancel(order, by=SYSTEM, reason=CancelReason.EXPIRED, at=due)
    assert order.cancellation == Cancellation(reason=CancelReason.EXPIRED, note="", canceled_at=due)
    assert order.take_events() == [Recorded(seq=2, event=events.OrderCanceled(reason="EXPIRED"), by=SYSTEM, at=due)]


def test_what_was_paid_in_part_is_owed_back_when_the_time_to_pay_is_over() -> None:
    order = an_order()
    pay(order, "19.99")
    cancel(order, by=SYSTEM, reason=CancelReason.EXPIRED, at=NOON + TIME_TO_PAY)
    assert str(order.refund_due) == "19.99"


def test_an_order_that_was_paid_at_the_last_moment_does_not_expire() -> None:
    order = an_order()
    pay(order, "20", at=NOON + TIME_TO_PAY)
    with pytest.raises(IllegalTransition) as refusal:
        cancel(order, by=SYSTEM, reason=CancelReason.EXPIRED, at=after(hours=48))
    assert (refusal.value.from_, refusal.value.to) == ("PAID", "CANCELED")


def test_a_canceled_order_stays_as_it_was_canceled() -> None:
    order = a_canceled_order()
    before = deepcopy(order)
    cancel(order, reason=CancelReason.FRAUD, note="Later.", at=after(hours=9))
    cancel(order, by=owner_of(order), reason=CancelReason.CUSTOMER_REQUEST, at=after(hours=99))
    assert order == before


def test_a_note_has_up_to_500_visible_characters() -> None:
    order = an_order()
    for note in ("n" * 501, "a\0b"):
        with pytest.raises(InvalidField) as refusal:
            cancel(order, note=note)
        assert refusal.value.field == "note"
    assert order.cancellation is None
    cancel(order, note="n" * 500)
    assert order.cancellation == Cancellation(reason=CancelReason.OUT_OF_STOCK, note="n" * 500, canceled_at=NOON)


# Versions and events


def test_every_event_has_its_number_and_the_version_is_the_last_one() -> None:
    order = a_delivered_order()
    recorded = order.take_events()
    assert [entry.event.type for entry in recorded] == [
        "order.placed",
        "order.payment_recorded",
        "order.paid",
        "order.shipment_dispatched",
        "order.shipped",
        "order.shipment_delivered",
        "order.delivered",
    ]
    assert [entry.seq for entry in recorded] == [1, 2, 3, 4, 5, 6, 7]
    assert order.version == 7


def test_events_are_taken_once() -> None:
    order = an_order()
    assert len(order.take_events()) == 1
    assert order.take_events() == []
    pay(order, "1")
    assert [entry.seq for entry in order.take_events()] == [2]


def test_events_taken_are_out_of_the_order_s_reach() -> None:
    order = an_order()
    taken = order.take_events()
    pay(order, "1")
    assert len(taken) == 1


def test_a_change_moves_updated_at_and_nothing_else_does() -> None:
    order = an_order()
    pay(order, "1", at=after(hours=1))
    assert order.updated_at == after(hours=1)
    pay(order, "1", by=SYSTEM, at=after(hours=2))
    assert order.updated_at == after(hours=1)
    assert order.placed_at == NOON


# The same lines


def lines_of(*wanted: tuple[str, int, str], currency: str = "EUR") -> tuple[Line, ...]:
    requests = [a_line_request(name=name, quantity=quantity, unit_price=price) for name, quantity, price in wanted]
    return priced_lines(requests, currency)


def test_the_same_things_at_the_same_prices_have_the_same_fingerprint() -> None:
    mug, plate = ("Mug", 1, "4.5"), ("Plate", 2, "7")
    assert fingerprint_of(lines_of(mug, plate)) == fingerprint_of(lines_of(plate, mug))
    assert len(fingerprint_of(lines_of(mug))) == 16


def test_anything_else_has_another_fingerprint() -> None:
    kinds = [
        lines_of(("Mug", 1, "4")),
        lines_of(("Mug", 2, "4")),
        lines_of(("Cup", 1, "4")),
        lines_of(("Mug", 1, "5")),
        lines_of(("Mug", 1, "4"), ("Mug", 1, "4")),
        lines_of(("Mug", 1, "4"), currency="USD"),
        priced_lines([a_line_request(name="Mug", quantity=1, unit_price="4", sku="X")], "EUR"),
        priced_lines([a_line_request(name="Mug", quantity=1, unit_price="4", sku=None)], "EUR"),
    ]
    assert len({fingerprint_of(lines) for lines in kinds}) == len(kinds)


def test_no_sku_is_not_the_sku_none() -> None:
    none, named = (priced_lines([a_line_request(line_id=UUID(int=1), sku=sku)], "EUR") for sku in (None, "None"))
    assert fingerprint_of(none) != fingerprint_of(named)


def test_money_that_went_back_before_the_order_was_paid_is_to_be_paid_again() -> None:
    order = an_order()
    pay(order, "5.00", id="first")
    order.record_refund(refund_id="refund-1", amount=euros("5.00"), reason="", by=SYSTEM, at=NOON)
    assert order.open_amount == euros("20.00")
    pay(order, "15.00", id="second")
    statuses = [order.status]
    pay(order, "5.00", id="third")
    assert [*statuses, order.status] == [Status.PENDING, Status.PAID]


def test_a_refund_of_a_paid_order_is_not_to_be_paid_again() -> None:
    order = a_paid_order()
    order.record_refund(refund_id="goodwill", amount=euros("5.00"), reason="late", by=SYSTEM, at=NOON)
    assert (order.status, order.open_amount) == (Status.PAID, euros("0.00"))
