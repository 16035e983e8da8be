from collections.abc import Mapping
from copy import deepcopy
from uuid import UUID, uuid4

import pytest

from order_service.domain import events
from order_service.domain.actor import SYSTEM
from order_service.domain.editing import Amendment, Keep
from order_service.domain.errors import AlreadyPaid, IllegalTransition, InvalidField, TotalMismatch
from order_service.domain.lifecycle import CancelReason, PaymentStatus, ProcessingStatus, Status
from order_service.domain.lines import Line, LineRequest
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.recorded import Recorded
from tests.builders import (
    NOON,
    a_canceled_order,
    a_customer,
    a_delivered_order,
    a_line_request,
    a_paid_order,
    after,
    an_operator,
    an_order,
    news_of,
    some_of,
)

STAFF = an_operator()


def euros(text: str) -> Money:
    return Money.parse(text, "EUR", field="amount")


def edit(order: Order, *lines: LineRequest, total_price: str | None = None) -> None:
    order.edit_lines(lines, total_price=total_price, by=STAFF, at=after(hours=1))


def amend(
    order: Order,
    *,
    external_ref: str | Keep | None = Keep.KEEP,
    metadata: Mapping[str, str | None] | None = None,
) -> None:
    amendment = Amendment(external_ref=external_ref, metadata=metadata or {})
    order.amend(amendment, by=STAFF, at=after(hours=1))


def kept(line_id: UUID, *, quantity: int = 2, unit_price: str = "10", name: str = "Blue mug") -> LineRequest:
    """The line of the order with these values from now on."""
    return LineRequest(
        line_id=uuid4(), keeps=line_id, name=name, sku="MUG-BLUE", quantity=quantity, unit_price=unit_price
    )


def same_as(line: Line) -> LineRequest:
    return LineRequest(
        line_id=uuid4(),
        keeps=line.line_id,
        name=line.name,
        sku=line.sku,
        quantity=line.quantity,
        unit_price=str(line.unit_price),
    )


def two_lines() -> Order:
    """Two mugs for 10.00 each and a teapot for 49.90."""
    return an_order(lines=[a_line_request(), a_line_request(name="Teapot", quantity=1, unit_price="49.90")])


# Other lines


def test_other_lines_take_the_place_of_those_before_and_are_priced_anew() -> None:
    order = two_lines()
    ann = a_customer(order.customer_id)
    plates = a_line_request(name="Plate", quantity=3, unit_price="5")
    order.take_events()
    order.edit_lines([plates], by=ann, at=after(hours=1))
    assert [(line.line_id, line.name, line.quantity, str(line.total)) for line in order.lines] == [
        (plates.line_id, "Plate", 3, "15.00")
    ]
    assert (str(order.total), str(order.open_amount), order.status) == ("15.00", "15.00", Status.PENDING)
    assert order.take_events() == [
        Recorded(seq=2, event=events.OrderEdited(total="15.00"), by=ann, at=after(hours=1))
    ]
    assert (order.version, order.updated_at) == (2, after(hours=1))


def test_a_line_that_is_kept_has_its_old_id_and_new_values() -> None:
    order = two_lines()
    mugs, teapot = (line.line_id for line in order.lines)
    new = a_line_request(name="Plate")
    edit(order, new, kept(teapot, name="Big teapot", quantity=2, unit_price="60"), kept(mugs))
    assert [(line.line_id, line.name) for line in order.lines] == [
        (new.line_id, "Plate"),
        (teapot, "Big teapot"),
        (mugs, "Blue mug"),
    ]
    assert str(order.total) == "160.00"


def test_the_same_lines_again_change_nothing() -> None:
    order = two_lines()
    order.process([], by=SYSTEM, at=NOON)
    before = deepcopy(order)
    edit(order, *map(same_as, order.lines))
    edit(order, *map(same_as, order.lines), total_price="69.90")
    assert order == before


@pytest.mark.parametrize("other", [{"quantity": 3}, {"unit_price": "9.99"}, {"name": "Green mug"}])
def test_the_same_lines_with_any_other_value_are_an_edit(other: dict[str, str]) -> None:
    order = an_order()
    order.take_events()
    edit(order, kept(order.lines[0].line_id, **other))  # type: ignore[arg-type]  # of many types
    assert news_of(order) == [events.OrderEdited(total=str(order.total))]


def test_the_same_lines_in_another_order_are_an_edit() -> None:
    order = two_lines()
    order.take_events()
    edit(order, *map(same_as, reversed(order.lines)))
    assert news_of(order) == [events.OrderEdited(total="69.90")]


def test_an_edited_order_is_to_be_screened_again() -> None:
    order = an_order()
    order.process([], by=SYSTEM, at=NOON)
    edit(order, a_line_request())
    assert order.processing_status is ProcessingStatus.QUEUED
    order.process(["Too much."], by=SYSTEM, at=NOON)
    assert order.status is Status.CANCELED


def test_an_order_edited_to_cost_nothing_is_paid() -> None:
    order = an_order()
    order.take_events()
    edit(order, a_line_request(unit_price="0"))
    assert (order.status, order.payment_status) == (Status.PAID, PaymentStatus.PAID)
    assert order.processing_status is ProcessingStatus.QUEUED
    assert news_of(order) == [events.OrderEdited(total="0.00"), events.OrderPaid(captured="0.00")]
    with pytest.raises(IllegalTransition):
        edit(order, a_line_request())


def test_an_edited_order_costs_what_it_costs_now() -> None:
    order = an_order()
    edit(order, a_line_request(quantity=1))
    order.record_payment(payment_id="payment-1", amount=euros("10"), method="CARD", by=STAFF, at=NOON)
    assert order.status is Status.PAID


# What is no edit


def test_an_order_for_which_money_came_in_keeps_its_lines() -> None:
    order = an_order()
    order.record_payment(payment_id="payment-1", amount=euros("0.01"), method="CARD", by=STAFF, at=NOON)
    before = deepcopy(order)
    for lines in ([a_line_request()], [same_as(order.lines[0])]):
        with pytest.raises(AlreadyPaid) as refusal:
            edit(order, *lines)
        assert refusal.value.details() == {"captured": "0.01"}
    assert order == before


def test_an_order_keeps_its_lines_even_when_the_money_went_back() -> None:
    order = an_order()
    order.record_payment(payment_id="payment-1", amount=euros("5"), method="CARD", by=STAFF, at=NOON)
    order.record_refund(refund_id="refund-1", amount=euros("5"), reason="", by=STAFF, at=NOON)
    with pytest.raises(AlreadyPaid):
        edit(order, a_line_request())


def test_a_total_that_does_not_agree_leaves_the_order_as_it_was() -> None:
    order = two_lines()
    before = deepcopy(order)
    for lines in ([a_line_request(quantity=1)], list(map(same_as, order.lines))):
        with pytest.raises(TotalMismatch) as refusal:
            edit(order, *lines, total_price="1")
        assert refusal.value.sent == "1.00"
        assert order == before
    with pytest.raises(InvalidField, match=r"^total_price has more decimals than EUR"):
        edit(order, a_line_request(quantity=1), total_price="10.001")
    assert order == before
    edit(order, a_line_request(quantity=1), total_price="10")


def test_a_line_is_kept_only_once_and_only_by_its_order() -> None:
    order = two_lines()
    mugs = order.lines[0].line_id
    before = deepcopy(order)
    for lines, field in (
        ([kept(mugs), kept(uuid4())], "lines[1].line_id"),
        ([kept(mugs), a_line_request(), kept(mugs)], "lines[2].line_id"),
    ):
        with pytest.raises(InvalidField, match="is not a line of this order, or was named before") as refusal:
            edit(order, *lines)
        assert refusal.value.field == field
    assert order == before


def test_a_line_that_was_edited_away_cannot_be_kept() -> None:
    order = two_lines()
    mugs, teapot = (line.line_id for line in order.lines)
    edit(order, kept(mugs))
    with pytest.raises(InvalidField):
        edit(order, kept(mugs), kept(teapot))


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_an_edited_line_has_a_quantity_of_1_to_a_million(quantity: int) -> None:
    order = an_order()
    before = deepcopy(order)
    for line in (a_line_request(quantity=quantity), kept(order.lines[0].line_id, quantity=quantity)):
        with pytest.raises(InvalidField) as refusal:
            edit(order, line)
        assert refusal.value.field == "lines[0].quantity"
    assert order == before


def test_an_edited_order_has_1_to_200_lines_at_prices_of_its_currency() -> None:
    order = an_order()
    before = deepcopy(order)
    for lines, field in (
        ([], "lines"),
        ([a_line_request() for _ in range(201)], "lines"),
        ([a_line_request(), a_line_request(unit_price="0.001")], "lines[1].unit_price"),
        ([a_line_request(), a_line_request(name="")], "lines[1].name"),
    ):
        with pytest.raises(InvalidField) as refusal:
            edit(order, *lines)
        assert refusal.value.field == field
    assert order == before
    edit(order, *(a_line_request() for _ in range(200)))
    assert len(order.lines) == 200


# What was canceled


def an_order_with_two_mugs_of_three_canceled() -> Order:
    order = an_order(
        lines=[a_line_request(quantity=3), a_line_request(name="Teapot", quantity=1, unit_price="49.90")]
    )
    order.cancel_lines(some_of(order, 2), reason=CancelReason.OUT_OF_STOCK, by=STAFF, at=NOON)
    return order


def test_what_was_canceled_stays_canceled_when_its_line_is_kept() -> None:
    order = an_order_with_two_mugs_of_three_canceled()
    mugs = order.lines[0].line_id
    before = deepcopy(order)
    edit(order, *map(same_as, order.lines))
    assert order == before
    edit(order, kept(mugs, quantity=4))
    assert [(line.quantity, line.canceled) for line in order.lines] == [(4, 2)]
    assert (str(order.total), str(order.open_amount)) == ("40.00", "20.00")


def test_what_was_canceled_is_asked_for_again_as_a_new_line() -> None:
    order = an_order_with_two_mugs_of_three_canceled()
    edit(order, kept(order.lines[0].line_id, quantity=3), a_line_request(quantity=2))
    assert [(line.quantity, line.canceled) for line in order.lines] == [(3, 2), (2, 0)]


def test_a_line_keeps_at_least_what_was_canceled_of_it_and_the_order_more_than_that() -> None:
    order = an_order_with_two_mugs_of_three_canceled()
    mugs = order.lines[0].line_id
    before = deepcopy(order)
    for lines, field in (
        ([a_line_request(), kept(mugs, quantity=1)], "lines[1].quantity"),
        ([kept(mugs, quantity=2)], "lines"),
    ):
        with pytest.raises(InvalidField) as refusal:
            edit(order, *lines)
        assert refusal.value.field == field
    assert order == before


# Notes


def test_a_reference_is_noted_changed_and_taken_away() -> None:
    order = an_order()
    for ref in ("cart-7", "cart-8", None):
        order.take_events()
        amend(order, external_ref=ref)
        assert order.external_ref == ref
        assert news_of(order) == [events.OrderAmended(fields=("external_ref",))]


def test_metadata_is_merged_key_by_key() -> None:
    order = an_order(metadata={"channel": "web", "gift": "yes"})
    order.take_events()
    amend(order, metadata={"channel": "app", "gift": None, "note": ""})
    assert order.metadata == {"channel": "app", "note": ""}
    assert news_of(order) == [events.OrderAmended(fields=("metadata",))]


def test_an_amendment_tells_all_it_changed_at_once() -> None:
    order = an_order(external_ref="cart-7")
    ann = a_customer(order.customer_id)
    order.take_events()
    order.amend(Amendment(external_ref=None, metadata={"gift": "yes"}), by=ann, at=after(hours=1))
    [recorded] = order.take_events()
    assert recorded == Recorded(
        seq=2, event=events.OrderAmended(fields=("external_ref", "metadata")), by=ann, at=after(hours=1)
    )


def test_an_amendment_that_says_nothing_new_changes_nothing() -> None:
    order = an_order(external_ref="cart-7", metadata={"gift": "yes"})
    before = deepcopy(order)
    amend(order)
    amend(order, external_ref="cart-7", metadata={"gift": "yes", "unknown": None})
    assert order == before


def test_an_amendment_leaves_what_it_does_not_name() -> None:
    order = an_order(external_ref="cart-7", metadata={"gift": "yes"})
    amend(order, metadata={"channel": "web"})
    assert order.external_ref == "cart-7"
    amend(order, external_ref="cart-8")
    assert order.metadata == {"gift": "yes", "channel": "web"}


def test_an_amendment_does_not_change_the_metadata_that_somebody_holds() -> None:
    order = an_order(metadata={"gift": "yes"})
    held = order.metadata
    amend(order, metadata={"gift": "no"})
    assert held == {"gift": "yes"}


def test_an_amendment_changes_no_status_and_no_lines() -> None:
    order = a_delivered_order()
    order.process([], by=SYSTEM, at=NOON)
    before = deepcopy(order)
    amend(order, external_ref="cart-7", metadata={"gift": "yes"})
    assert (order.lines, order.status, order.processing_status) == (
        before.lines, before.status, ProcessingStatus.PROCESSED,
    )  # fmt: skip


def test_an_amendment_has_readable_words_or_leaves_the_order_as_it_was() -> None:
    order = an_order(external_ref="cart-7", metadata={f"key-{i}": "" for i in range(50)})
    before = deepcopy(order)
    for ref in ("", "r" * 101, "a\tb"):
        with pytest.raises(InvalidField) as refusal:
            amend(order, external_ref=ref, metadata={"key-0": "new"})
        assert refusal.value.field == "external_ref"
    bad: list[dict[str, str | None]] = [{"one more": ""}, {"key-0": "v" * 501}, {"key-0": None, "k" * 41: ""}]
    for metadata in bad:
        with pytest.raises(InvalidField) as refusal:
            amend(order, external_ref="cart-8", metadata=metadata)
        assert refusal.value.field == "metadata"
    assert order == before
    amend(order, metadata={"key-0": None, "one more": ""})


def test_only_staff_amend_what_was_canceled() -> None:
    order = a_canceled_order()
    with pytest.raises(IllegalTransition):
        order.amend(Amendment(external_ref="cart-7"), by=a_customer(order.customer_id), at=NOON)
    amend(order, external_ref="cart-7")
    assert order.external_ref == "cart-7"


def test_a_paid_order_is_not_edited_but_amended() -> None:
    order = a_paid_order()
    with pytest.raises(IllegalTransition) as refusal:
        edit(order, a_line_request())
    assert refusal.value.details() == {"from": "PAID", "to": "PAID", "allowed": ["SHIPPED", "CANCELED"]}
    amend(order, external_ref="cart-7")
