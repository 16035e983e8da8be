"""The order of the examples: its life, made by the domain itself, so that they stay true."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.domain.lifecycle import CancelReason
from order_service.domain.lines import LineQuantity, LineRequest
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.rules import ShopRules
from order_service.views import ActorView, EventView

Json = Any

CUSTOMER_ID = UUID("0197c2d0-5a3e-7c41-9d0b-2f6a51c7e812")
ORDER_ID = UUID("0197c2d4-8f10-7b63-a5c4-0e9d3b7f2a11")
MUG = UUID("0197c2d4-8f11-7e02-b8a6-6c5f1d2e3a4b")
BOWL = UUID("0197c2d9-1c20-7d94-8e3f-7a1b2c3d4e5f")
SHIPMENT_ID = "0197c7f1-3d52-7a08-9b6c-4e5d6f7a8b9c"
RETURN_ID = "0197d2b0-6e74-7c1d-8a2f-1b3c5d7e9f01"
_MORNING = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
SESSION_ID = "0197c2d1-0b5e-7d20-8c4f-6a9e2b1d3c57"

_ann = Actor.account(CUSTOMER_ID, Role.CUSTOMER)
_operator = Actor.account(UUID("0197b0aa-2b4c-7d6e-8f01-93a5b7c9d1e3"), Role.OPERATOR)


def as_json(value: object) -> Json:
    return msgspec.json.decode(msgspec.json.encode(value))


def _after(**time: float) -> datetime:
    return _MORNING + timedelta(**time)


def placed() -> Order:
    return Order.place(
        id=ORDER_ID,
        number="K7Q2-9XWD-3F4W",
        customer_id=CUSTOMER_ID,
        currency="EUR",
        lines=[LineRequest(line_id=MUG, sku="MUG-1", name="Mug", quantity=3, unit_price="4.50")],
        by=_ann,
        at=_MORNING,
        pay_by=_MORNING + ShopRules().time_to_pay,
        external_ref="web-8841",
        metadata={"channel": "web"},
    )


def paid(order: Order) -> Order:
    order.process([], by=SYSTEM, at=_after(seconds=1))
    payment = {"payment_id": "pay_8841", "method": "CARD"}
    order.record_payment(**payment, amount=order.open_amount, by=_operator, at=_after(minutes=2))
    return order


def shipped(order: Order) -> Order:
    order.ship(
        shipment_id=SHIPMENT_ID, carrier="DHL", tracking="JD014600003SE", by=_operator, at=_after(days=1, hours=5)
    )
    return order


def delivered(order: Order) -> Order:
    order.deliver(SHIPMENT_ID, by=_operator, at=_after(days=2))
    return order


def coming_back(order: Order) -> Order:
    lines = [LineQuantity(MUG, 1)]
    order.request_return(return_id=RETURN_ID, lines=lines, reason="a crack", by=_ann, at=_after(days=3))
    return order


def returned(order: Order) -> Order:
    order.receive_return(RETURN_ID, note="thrown away", by=_operator, at=_after(days=5))
    return order


def refused(order: Order) -> Order:
    order.refuse_return(RETURN_ID, note="no crack to be seen", by=_operator, at=_after(days=5))
    return order


def refunded(order: Order) -> Order:
    one_mug = Money.parse("4.50", "EUR", field="amount")
    order.record_refund(refund_id="ref_8841", amount=one_mug, reason="returned", by=_operator, at=_after(days=5))
    return order


def canceled(order: Order) -> Order:
    order.cancel(
        reason=CancelReason.CUSTOMER_REQUEST,
        note="ordered twice",
        window=ShopRules().cancel_window,
        by=_ann,
        at=_after(minutes=9),
    )
    return order


def edited(order: Order) -> Order:
    mug = LineRequest(line_id=BOWL, keeps=MUG, sku="MUG-1", name="Mug", quantity=2, unit_price="4.50")
    bowl = LineRequest(line_id=BOWL, sku="BOWL-3", name="Bowl", quantity=1, unit_price="12.90")
    order.edit_lines([mug, bowl], by=_ann, at=_after(minutes=1))
    return order


def history(order: Order) -> Iterable[EventView]:
    for number, recorded in enumerate(order.take_events(), start=1):
        yield EventView(
            id=UUID(int=ORDER_ID.int + number),
            seq=recorded.seq,
            type=recorded.event.type,
            occurred_at=recorded.at,
            actor=ActorView(kind=recorded.by.kind, id=recorded.by.id),
            change=asdict(recorded.event),
        )
