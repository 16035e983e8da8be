"""What a person may have written, marked, so that it is recognized wherever it turns up."""

from datetime import timedelta
from typing import Unpack
from uuid import uuid4

from order_service.domain.actor import SYSTEM
from order_service.domain.editing import Amendment
from order_service.domain.lifecycle import CancelReason
from order_service.domain.money import Money
from order_service.domain.order import Order
from tests.builders import Placing, a_customer, a_paid_order, after, an_operator, an_order

MARK = "xyzzy"


def personal(of: str) -> str:
    """A text that nobody else writes; no two are alike."""
    return f"{MARK} {of} {uuid4().hex}"


def is_personal(content: bytes | str) -> bool:
    return MARK in (content.decode() if isinstance(content, bytes) else content)


def an_order_full_of_personal_data(**said: Unpack[Placing]) -> Order:
    """DELIVERED, with everything that somebody can write on an order; what was written first was written over."""
    customer = said.setdefault("by", a_customer(said.get("customer_id")))
    said.setdefault("external_ref", personal("first external_ref"))
    said.setdefault("metadata", {personal("key")[:40]: personal("first metadata"), "kept": personal("metadata")})
    order = a_paid_order(**said)
    order.amend(Amendment(external_ref=personal("external_ref")), by=customer, at=after(minutes=1))
    order.amend(Amendment(metadata=dict.fromkeys(order.metadata) | {"b": "c"}), by=customer, at=after(minutes=2))
    order.amend(Amendment(metadata={"b": personal("new metadata")}), by=customer, at=after(minutes=2))
    order.ship(shipment_id="s", carrier="DHL", tracking=personal("tracking"), by=SYSTEM, at=after(hours=1))
    order.deliver("s", by=SYSTEM, at=after(hours=2))
    order.request_return(return_id="r", lines=None, reason=personal("reason"), by=customer, at=after(hours=3))
    order.refuse_return("r", note=personal("note"), by=an_operator(), at=after(hours=4))
    goodwill = Money(1, order.currency)
    order.record_refund(refund_id="g", amount=goodwill, reason=personal("refund"), by=SYSTEM, at=after(hours=5))
    return order


def a_canceled_order_full_of_personal_data(**said: Unpack[Placing]) -> Order:
    order = an_order(**said)
    note = personal("cancellation note")
    order.cancel(reason=CancelReason.OTHER, note=note, window=timedelta(), by=an_operator(), at=after(hours=1))
    return order
