"""Builders that speak the language: what a test does not care about is filled in."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

from order_service.domain.account import Account
from order_service.domain.actor import SYSTEM, Actor, ActorKind, Role
from order_service.domain.events import Event
from order_service.domain.ids import ORDER_NUMBER_BITS, order_number
from order_service.domain.lifecycle import CancelReason
from order_service.domain.lines import LineQuantity, LineRequest
from order_service.domain.order import Order
from order_service.ports import Transactions
from order_service.views import RenderedOrder

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""When everything happens, unless a test says otherwise."""

TIME_TO_PAY = timedelta(hours=24)
CANCEL_WINDOW = timedelta(minutes=30)


def after(*, hours: float = 0, minutes: float = 0) -> datetime:
    """So long after noon."""
    return NOON + timedelta(hours=hours, minutes=minutes)


def a_customer(id: UUID | None = None) -> Actor:
    return Actor.account(id or uuid4(), Role.CUSTOMER)


async def a_registered_customer(transactions: Transactions) -> Actor:
    """With an account, as whoever places an order must have one; no password opens it."""
    account = Account.register(id=uuid4(), email=f"{uuid4().hex}@example.com", password_hash="none", at=NOON)
    async with transactions.begin() as tx:
        tx.accounts.add(account)
        await tx.commit()
    return account.actor


def an_operator() -> Actor:
    return Actor.account(uuid4(), Role.OPERATOR)


def an_admin() -> Actor:
    return Actor.account(uuid4(), Role.ADMIN)


def a_service() -> Actor:
    return Actor(ActorKind.SERVICE, uuid4())


def an_order_number() -> str:
    return order_number(uuid4().int >> 128 - ORDER_NUMBER_BITS)


def a_line_request(
    *,
    line_id: UUID | None = None,
    name: str = "Blue mug",
    quantity: int = 2,
    unit_price: str = "10",
    sku: str | None = "MUG-BLUE",
) -> LineRequest:
    return LineRequest(line_id=line_id or uuid4(), name=name, quantity=quantity, unit_price=unit_price, sku=sku)


class Placing(TypedDict, total=False):
    """What may be said of any order here; what is not said has a default."""

    id: UUID
    number: str
    customer_id: UUID
    currency: str
    lines: Sequence[LineRequest]
    by: Actor
    at: datetime
    pay_by: datetime
    total_price: str | None
    external_ref: str | None
    metadata: Mapping[str, str] | None


def an_order(**said: Unpack[Placing]) -> Order:
    """PENDING and QUEUED: two mugs for 20.00 EUR, placed at noon by their customer, to be paid within 24 hours."""
    by = said.get("by") or a_customer(said.get("customer_id"))
    at = said.get("at", NOON)
    return Order.place(
        id=said.get("id") or uuid4(),
        number=said.get("number") or an_order_number(),
        customer_id=said.get("customer_id") or by.only_own or uuid4(),
        currency=said.get("currency", "EUR"),
        lines=said.get("lines", [a_line_request()]),
        by=by,
        at=at,
        pay_by=said.get("pay_by", at + TIME_TO_PAY),
        total_price=said.get("total_price"),
        external_ref=said.get("external_ref"),
        metadata=said.get("metadata"),
    )


def a_paid_order(**said: Unpack[Placing]) -> Order:
    """Paid in full with one payment, `payment-1`, at the time it was placed."""
    order = an_order(**said)
    order.record_payment(
        payment_id="payment-1", amount=order.open_amount, method="CARD", by=SYSTEM, at=order.placed_at
    )
    return order


def a_shipped_order(**said: Unpack[Placing]) -> Order:
    """Paid, and sent in one parcel, `parcel-1`."""
    order = a_paid_order(**said)
    order.ship(shipment_id="parcel-1", by=SYSTEM, at=order.placed_at)
    return order


def a_delivered_order(**said: Unpack[Placing]) -> Order:
    order = a_shipped_order(**said)
    order.deliver("parcel-1", by=SYSTEM, at=order.placed_at)
    return order


def a_canceled_order(**said: Unpack[Placing]) -> Order:
    """Called off by staff before anybody paid."""
    order = an_order(**said)
    order.cancel(reason=CancelReason.OTHER, window=CANCEL_WINDOW, by=an_operator(), at=order.placed_at)
    return order


def some_of(order: Order, *quantities: int) -> list[LineQuantity]:
    """So many of the first line, of the second, and so on."""
    lines = zip(order.lines, quantities, strict=False)
    return [LineQuantity(line.line_id, quantity) for line, quantity in lines if quantity]


def news_of(order: Order) -> list[Event]:
    """What happened since it was last asked, without the who and when."""
    return [recorded.event for recorded in order.take_events()]


def as_told(order: RenderedOrder | bytes) -> dict[str, Any]:
    """What others hear of an order that we know like this."""
    document: dict[str, Any] = json.loads(order if isinstance(order, bytes) else order.body)
    of_persons = [document, *document["refunds"], *document["shipments"], *document["returns"]]
    canceled = document["cancellation"]
    for part in of_persons:
        for name in ("external_ref", "metadata", "tracking", "note") + (("reason",) if part is not document else ()):
            part.pop(name, None)
    if canceled is not None:
        del canceled["note"]
    return document
