from collections.abc import Callable
from copy import deepcopy
from uuid import uuid4

import pytest

from order_service.domain import events
from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import (
    InvalidField,
    LimitReached,
    NothingToReturn,
    OverReturn,
    ReturnNotFound,
    ReturnResolved,
)
from order_service.domain.lifecycle import CancelReason, PaymentStatus, ReturnState, ReturnStatus, Status
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.returns import Return, returned_quantities
from tests.builders import (
    NOON,
    a_customer,
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


def paid_mugs_and_plates() -> Order:
    """Four mugs for 10.00 each and three plates for 5.00 each: 55.00."""
    mugs, plates = a_line_request(quantity=4, unit_price="10"), a_line_request(quantity=3, unit_price="5")
    return a_paid_order(lines=[mugs, plates])


def mugs_and_plates_sent(*parcels: tuple[int, int]) -> Order:
    """In parcels of so many mugs and so many plates each, or else in one."""
    order = paid_mugs_and_plates()
    for number, quantities in enumerate(parcels or [(4, 3)], start=1):
        order.ship(shipment_id=f"parcel-{number}", lines=some_of(order, *quantities), by=STAFF, at=NOON)
    order.take_events()
    return order


def ask_back(order: Order, id: str, *quantities: int, reason: str = "", by: Actor = STAFF) -> None:
    """All that has left, if no quantity is named."""
    lines = some_of(order, *quantities) if quantities else None
    order.request_return(return_id=id, lines=lines, reason=reason, by=by, at=after(hours=1))


def receive(order: Order, id: str, *, note: str = "") -> None:
    order.receive_return(id, note=note, by=STAFF, at=after(hours=2))


def refuse(order: Order, id: str, *, note: str = "") -> None:
    order.refuse_return(id, note=note, by=STAFF, at=after(hours=2))


# Asking


def test_a_customer_announces_what_comes_back() -> None:
    order = mugs_and_plates_sent()
    mugs, plates = (line.line_id for line in order.lines)
    ann = a_customer(order.customer_id)
    ask_back(order, "return-1", 1, 2, reason="Too blue.", by=ann)
    lines = (LineQuantity(mugs, 1), LineQuantity(plates, 2))
    assert order.returns == (
        Return(return_id="return-1", lines=lines, reason="Too blue.", requested_at=after(hours=1)),
    )
    assert order.returns[0].state is ReturnState.REQUESTED
    assert (order.return_status, order.status) == (ReturnStatus.REQUESTED, Status.SHIPPED)
    assert order.refund_due == euros("0")
    [recorded] = order.take_events()
    assert recorded.event == events.ReturnRequested(return_id="return-1", quantities={str(mugs): 1, str(plates): 2})
    assert (recorded.by, recorded.at) == (ann, after(hours=1))


def test_everything_that_has_left_comes_back_when_no_line_is_named() -> None:
    order = mugs_and_plates_sent((2, 0), (1, 1))
    ask_back(order, "return-1")
    assert list(order.returns[0].lines) == some_of(order, 3, 1)


def test_everything_is_only_what_is_not_spoken_for() -> None:
    order = mugs_and_plates_sent()
    ask_back(order, "return-1", 1, 3)
    ask_back(order, "return-2")
    assert list(order.returns[1].lines) == some_of(order, 3)


def test_a_return_that_is_known_changes_nothing() -> None:
    asked, received = mugs_and_plates_sent(), mugs_and_plates_sent()
    for order in (asked, received):
        ask_back(order, "return-1", 1)
    receive(received, "return-1")
    for order in (asked, received):
        before = deepcopy(order)
        ask_back(order, "return-1", 3, reason="Again.")
        assert order == before


def test_no_more_comes_back_than_has_left() -> None:
    order = mugs_and_plates_sent((2, 0))
    mugs, plates = (line.line_id for line in order.lines)
    before = deepcopy(order)
    with pytest.raises(OverReturn) as refusal:
        ask_back(order, "return-1", 3)
    assert refusal.value.details() == {"line_id": mugs, "quantity": 3, "left": 2}
    with pytest.raises(OverReturn) as refusal:
        ask_back(order, "return-1", 1, 1)
    assert refusal.value.details() == {"line_id": plates, "quantity": 1, "left": 0}
    assert order == before


def test_what_another_return_has_announced_or_brought_is_not_there_to_return() -> None:
    order = mugs_and_plates_sent()
    mugs = order.lines[0].line_id
    ask_back(order, "return-1", 1)
    ask_back(order, "return-2", 2)
    receive(order, "return-2")
    with pytest.raises(OverReturn) as refusal:
        ask_back(order, "return-3", 2)
    assert refusal.value.details() == {"line_id": mugs, "quantity": 2, "left": 1}


def test_what_was_refused_can_be_announced_again() -> None:
    order = mugs_and_plates_sent()
    ask_back(order, "return-1")
    with pytest.raises(NothingToReturn):
        ask_back(order, "return-2", 1)
    refuse(order, "return-1")
    ask_back(order, "return-2", 4, 3)
    receive(order, "return-2")
    assert order.return_status is ReturnStatus.RETURNED


def test_nothing_comes_back_before_something_has_left_or_when_all_is_back() -> None:
    unsent, back = paid_mugs_and_plates(), mugs_and_plates_sent()
    ask_back(back, "return-1")
    receive(back, "return-1")
    for order in (unsent, back):
        before = deepcopy(order)
        for quantities in ((), (1,)):
            with pytest.raises(NothingToReturn) as refusal:
                ask_back(order, "return-9", *quantities)
            assert refusal.value.details() == {"order_status": order.status}
        assert order == before


def test_a_line_named_twice_in_a_return_counts_twice() -> None:
    order = mugs_and_plates_sent()
    mugs = order.lines[0].line_id
    with pytest.raises(OverReturn) as refusal:
        order.request_return(
            return_id="return-1", lines=[LineQuantity(mugs, 3), LineQuantity(mugs, 2)], reason="", by=STAFF, at=NOON
        )
    assert refusal.value.details() == {"line_id": mugs, "quantity": 2, "left": 1}
    order.request_return(
        return_id="return-1", lines=[LineQuantity(mugs, 1), LineQuantity(mugs, 2)], reason="", by=STAFF, at=NOON
    )
    assert order.returns[0].lines == (LineQuantity(mugs, 3),)
    assert news_of(order) == [events.ReturnRequested(return_id="return-1", quantities={str(mugs): 3})]


@pytest.mark.parametrize("quantity", [0, -1])
def test_at_least_one_of_a_line_comes_back(quantity: int) -> None:
    order = mugs_and_plates_sent()
    mugs, plates = (line.line_id for line in order.lines)
    lines = [LineQuantity(mugs, 1), LineQuantity(plates, quantity)]
    with pytest.raises(InvalidField, match=f"must be at least 1, not {quantity}") as refusal:
        order.request_return(return_id="return-1", lines=lines, reason="", by=STAFF, at=NOON)
    assert refusal.value.field == "lines[1].quantity"
    assert order.returns == ()


def test_only_lines_of_the_order_come_back() -> None:
    order = mugs_and_plates_sent()
    for lines, field in (([LineQuantity(uuid4(), 1)], "lines[0].line_id"), ([], "lines")):
        with pytest.raises(InvalidField) as refusal:
            order.request_return(return_id="return-1", lines=lines, reason="", by=STAFF, at=NOON)
        assert refusal.value.field == field
    assert order.returns == ()


def test_reasons_and_notes_have_up_to_500_visible_characters() -> None:
    order = mugs_and_plates_sent()
    for text in ("n" * 501, "a\0b"):
        with pytest.raises(InvalidField) as refusal:
            ask_back(order, "return-1", reason=text)
        assert refusal.value.field == "reason"
    ask_back(order, "return-1", reason="n" * 500)
    before = deepcopy(order)
    for text in ("n" * 501, "a\0b"):
        for resolve in (receive, refuse):
            with pytest.raises(InvalidField) as refusal:
                resolve(order, "return-1", note=text)
            assert refusal.value.field == "note"
    assert order == before
    receive(order, "return-1", note="n" * 500)


# Receiving and refusing


def test_what_was_paid_for_what_came_back_is_owed_back() -> None:
    order = mugs_and_plates_sent()
    mugs, plates = (line.line_id for line in order.lines)
    ask_back(order, "return-1", 1, 2)
    order.take_events()
    receive(order, "return-1", note="In good order.")
    [back] = order.returns
    assert (back.state, back.note, back.resolved_at) == (ReturnState.RECEIVED, "In good order.", after(hours=2))
    assert returned_quantities(order.returns) == {mugs: 1, plates: 2}
    assert (str(order.total), str(order.price), str(order.cost), str(order.refund_due)) == (
        "55.00", "55.00", "35.00", "20.00",
    )  # fmt: skip
    assert (order.status, order.payment_status) == (Status.SHIPPED, PaymentStatus.PAID)
    assert news_of(order) == [
        events.ReturnReceived(return_id="return-1", quantities={str(mugs): 1, str(plates): 2}),
        events.RefundDue(amount="20.00"),
    ]


def test_returns_of_goods_from_several_parcels_add_up_to_what_is_owed() -> None:
    order = mugs_and_plates_sent((1, 1), (3, 0), (0, 2))
    order.deliver("parcel-1", by=SYSTEM, at=NOON)
    ask_back(order, "return-1", 2)
    ask_back(order, "return-2", 2, 3)
    for return_id, owed in (("return-2", "35.00"), ("return-1", "55.00")):
        order.take_events()
        receive(order, return_id)
        assert str(order.refund_due) == owed
        assert news_of(order)[1:] == [events.RefundDue(amount=owed)]
    assert (order.return_status, order.status) == (ReturnStatus.RETURNED, Status.SHIPPED)


def test_goods_of_the_first_parcel_come_back_before_the_last_one_leaves() -> None:
    order = mugs_and_plates_sent((2, 0))
    ask_back(order, "return-1")
    receive(order, "return-1")
    assert (order.status, order.return_status, order.refund_due) == (
        Status.PAID, ReturnStatus.PARTIAL, euros("20"),
    )  # fmt: skip
    order.ship(shipment_id="parcel-2", by=STAFF, at=NOON)
    assert list(order.shipments[1].lines) == some_of(order, 2, 3)
    assert order.status is Status.SHIPPED


def test_goodwill_that_was_refunded_before_is_not_owed_again() -> None:
    order = mugs_and_plates_sent()
    order.record_refund(refund_id="refund-1", amount=euros("12"), reason="Sorry.", by=STAFF, at=NOON)
    ask_back(order, "return-1", 1)
    ask_back(order, "return-2", 1)
    order.take_events()
    receive(order, "return-1")
    assert order.refund_due == euros("0")
    assert [event.type for event in news_of(order)] == ["order.return_received"]
    receive(order, "return-2")
    assert news_of(order)[1:] == [events.RefundDue(amount="8.00")]


def test_what_is_owed_for_a_return_is_settled_by_a_refund() -> None:
    order = mugs_and_plates_sent()
    ask_back(order, "return-1")
    receive(order, "return-1")
    order.record_refund(refund_id="refund-1", amount=euros("20"), reason="", by=SYSTEM, at=NOON)
    assert (order.refund_due, order.payment_status) == (euros("35"), PaymentStatus.PARTIALLY_REFUNDED)
    order.record_refund(refund_id="refund-2", amount=euros("35"), reason="", by=SYSTEM, at=NOON)
    assert (order.refund_due, order.payment_status) == (euros("0"), PaymentStatus.REFUNDED)
    assert order.refunded == order.captured == euros("55")


def test_goods_that_cost_nothing_come_back_without_owing_anything() -> None:
    order = an_order(lines=[a_line_request(unit_price="0")])
    order.ship(shipment_id="parcel-1", by=STAFF, at=NOON)
    ask_back(order, "return-1")
    order.take_events()
    receive(order, "return-1")
    assert [event.type for event in news_of(order)] == ["order.return_received"]


def test_a_return_that_is_refused_is_owed_nothing() -> None:
    order = mugs_and_plates_sent()
    ask_back(order, "return-1")
    order.take_events()
    refuse(order, "return-1", note="Broken.")
    [back] = order.returns
    assert (back.state, back.note, back.resolved_at) == (ReturnState.REFUSED, "Broken.", after(hours=2))
    assert (order.refund_due, order.return_status) == (euros("0"), ReturnStatus.NONE)
    assert news_of(order) == [events.ReturnRefused(return_id="return-1")]


def test_a_return_is_settled_only_once() -> None:
    for settle, contradict, state in ((receive, refuse, "RECEIVED"), (refuse, receive, "REFUSED")):
        order = mugs_and_plates_sent()
        ask_back(order, "return-1")
        settle(order, "return-1", note="First.")
        before = deepcopy(order)
        settle(order, "return-1", note="Second.")
        with pytest.raises(ReturnResolved) as refusal:
            contradict(order, "return-1")
        assert refusal.value.details() == {"state": state}
        assert order == before


def test_only_the_return_that_is_named_is_settled() -> None:
    order = mugs_and_plates_sent()
    for return_id in ("return-1", "return-2", "return-3"):
        ask_back(order, return_id, 1)
    receive(order, "return-2")
    refuse(order, "return-3")
    assert [(one.return_id, one.state) for one in order.returns] == [
        ("return-1", "REQUESTED"),
        ("return-2", "RECEIVED"),
        ("return-3", "REFUSED"),
    ]


def test_a_return_that_nobody_asked_for_cannot_be_settled() -> None:
    order = mugs_and_plates_sent()
    ask_back(order, "return-1")
    for settle in (receive, refuse):
        with pytest.raises(ReturnNotFound) as refusal:
            settle(order, "return-9")
        assert refusal.value.details() == {"return_id": "return-9"}


# How far the returning has come


def test_the_return_status_tells_how_much_is_back() -> None:
    order = mugs_and_plates_sent()
    told = [order.return_status]
    steps: list[Callable[[], None]] = [
        lambda: ask_back(order, "return-1", 4),
        lambda: ask_back(order, "return-2", 0, 2),
        lambda: receive(order, "return-2"),
        lambda: receive(order, "return-1"),
        lambda: ask_back(order, "return-3"),
        lambda: receive(order, "return-3"),
    ]
    for step in steps:
        step()
        told.append(order.return_status)
    assert told == ["NONE", "REQUESTED", "REQUESTED", "PARTIAL", "PARTIAL", "PARTIAL", "RETURNED"]


def test_all_is_back_when_all_that_left_is_and_the_rest_was_canceled() -> None:
    order = mugs_and_plates_sent((4, 1))
    ask_back(order, "return-1")
    receive(order, "return-1")
    assert order.return_status is ReturnStatus.PARTIAL
    order.cancel_lines(some_of(order, 0, 2), reason=CancelReason.OUT_OF_STOCK, by=STAFF, at=NOON)
    assert (order.return_status, order.status) == (ReturnStatus.RETURNED, Status.SHIPPED)
    assert order.refund_due == order.captured == euros("55")


def test_an_order_has_so_many_returns_at_most() -> None:
    order = a_shipped_order(lines=[a_line_request(quantity=200)])
    line = order.lines[0].line_id
    for number in range(100):
        order.request_return(
            return_id=f"return {number}", lines=[LineQuantity(line, 1)], reason="", by=an_operator(), at=NOON
        )
    with pytest.raises(LimitReached, match="An order has at most 100 returns"):
        order.request_return(return_id="more", lines=None, reason="", by=an_operator(), at=NOON)
