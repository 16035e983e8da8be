"""What goes out of an order when its customer is erased, and what stays."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from adapters.persistence.documents import rendered
from order_service.domain import events
from order_service.domain.actor import SYSTEM
from order_service.domain.editing import Amendment
from order_service.domain.errors import InvalidField
from order_service.domain.lifecycle import CancelReason, ReturnState
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.told import ToldOrder
from order_service.views import OrderView, redacted, view_of
from tests.builders import a_delivered_order, a_paid_order, a_shipped_order, after, an_operator, an_order, news_of
from tests.personal import (
    a_canceled_order_full_of_personal_data,
    an_order_full_of_personal_data,
    is_personal,
)

LATER, STAFF = after(hours=24), an_operator()

FULL = [an_order_full_of_personal_data, a_canceled_order_full_of_personal_data]


@pytest.mark.parametrize("full", FULL)
def test_nothing_that_a_person_wrote_is_left_and_nothing_else_changes(full: Callable[[], Order]) -> None:
    order = full()
    before, amounts = view_of(order), (order.total, order.captured, order.refunded, order.refund_due)
    assert is_personal(rendered(order).body)
    news_of(order)
    order.redact(by=SYSTEM, at=LATER)
    assert news_of(order) == [events.OrderRedacted()]
    assert not is_personal(rendered(order).body)
    assert (order.total, order.captured, order.refunded, order.refund_due) == amounts
    assert view_of(order) == replace(
        redacted(before), version=before.version + 1, updated_at=LATER, redacted_at=LATER
    )


def test_it_happens_once() -> None:
    order = an_order_full_of_personal_data()
    order.redact(by=SYSTEM, at=LATER)
    version = order.version
    order.redact(by=SYSTEM, at=LATER + timedelta(hours=1))
    assert (order.version, order.redacted_at) == (version, LATER)


WORDS: dict[str, Callable[[Order, str], None]] = {
    "an amendment": lambda order, word: order.amend(Amendment(external_ref=word), by=STAFF, at=LATER),
    "why it comes back": lambda order, word: order.request_return(
        return_id="new", lines=None, reason=word, by=STAFF, at=LATER
    ),
    "how it came back": lambda order, word: order.receive_return("r", note=word, by=STAFF, at=LATER),
    "why it is not taken back": lambda order, word: order.refuse_return("r", note=word, by=STAFF, at=LATER),
    "why money goes back": lambda order, word: order.record_refund(
        refund_id="new", amount=Money(1, "EUR"), reason=word, by=STAFF, at=LATER
    ),
    "why it is called off": lambda order, word: order.cancel(
        reason=CancelReason.OTHER, note=word, window=timedelta(), by=STAFF, at=LATER
    ),
}


@pytest.mark.parametrize("what", WORDS)
def test_no_word_is_let_in_any_more_but_the_order_goes_on_without_words(what: str) -> None:
    if what == "why it is called off":
        order = an_order()
    else:
        order = a_delivered_order()
        if "came back" in what or "not taken" in what:
            order.request_return(return_id="r", lines=None, reason="", by=STAFF, at=LATER)
    order.redact(by=SYSTEM, at=LATER)
    version = order.version
    with pytest.raises(InvalidField):
        WORDS[what](order, "Ann")
    assert order.version == version
    if what != "an amendment":
        WORDS[what](order, "")
        assert order.version > version


def test_an_order_is_over_when_nothing_is_left_to_be_done() -> None:
    delivered, coming_back, owed = a_delivered_order(), a_delivered_order(), a_delivered_order()
    for order in (coming_back, owed):
        order.request_return(return_id="r", lines=None, reason="", by=STAFF, at=LATER)
    owed.receive_return("r", by=STAFF, at=LATER)
    assert owed.refund_due
    canceled, paid_back = a_canceled_order_full_of_personal_data(), a_paid_order()
    paid_back.cancel(reason=CancelReason.OTHER, window=timedelta(), by=STAFF, at=LATER)
    assert [order.is_over for order in (delivered, canceled)] == [True, True]
    going_on = [an_order(), a_paid_order(), a_shipped_order(), coming_back, owed, paid_back]
    assert [order.is_over for order in going_on] == [False] * 6
    coming_back.refuse_return("r", by=STAFF, at=LATER)
    assert coming_back.returns[0].state is ReturnState.REFUSED
    for order in (owed, paid_back):
        order.record_refund(refund_id="b", amount=order.refund_due, reason="", by=SYSTEM, at=LATER)
    assert [order.is_over for order in (coming_back, owed, paid_back)] == [True] * 3


def test_others_are_told_every_field_of_an_order_but_those_that_were_left_out_on_purpose() -> None:
    told = {field.name for field in fields(ToldOrder)}
    assert {field.name for field in fields(OrderView)} - told == {"external_ref", "metadata"}
