"""One story on the aggregate alone: what can happen to an order between the click and the doorbell."""

from copy import deepcopy
from uuid import uuid4

import pytest

from order_service.domain.actor import SYSTEM
from order_service.domain.errors import CancelWindowClosed, IllegalTransition, NotAllowed, Overpayment, OverShipment
from order_service.domain.lifecycle import CancelReason, Status
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from tests.builders import CANCEL_WINDOW, NOON, a_customer, a_line_request, after, an_admin, an_operator


def test_the_life_of_an_order() -> None:
    ann, ben, olga, ada = a_customer(), a_customer(), an_operator(), an_admin()
    mugs = a_line_request(name="Blue mug", quantity=4, unit_price="12.50")
    teapot = a_line_request(name="Teapot", quantity=1, unit_price="49.90")

    # At noon Ann orders four mugs and a teapot. Her cart has added them up too, and comes to the same.
    order = Order.place(
        id=uuid4(),
        number="0000-0000-0161",
        customer_id=ann.only_own or uuid4(),
        currency="EUR",
        lines=[mugs, teapot],
        total_price="99.90",
        external_ref="cart-7",
        by=ann,
        at=NOON,
        pay_by=after(hours=24),
    )
    assert standing(order) == ("PENDING", "QUEUED", "UNPAID", "UNFULFILLED")

    # Screening has nothing against it.
    order.process([], by=SYSTEM, at=after(minutes=1))
    assert standing(order) == ("PENDING", "PROCESSED", "UNPAID", "UNFULFILLED")

    # Ben has no business with it, and nobody may pack before Ann has paid.
    with pytest.raises(NotAllowed):
        order.cancel(reason=CancelReason.OTHER, window=CANCEL_WINDOW, by=ben, at=after(minutes=2))
    with pytest.raises(IllegalTransition) as refusal:
        order.ship(shipment_id="parcel-1", by=olga, at=after(minutes=2))
    assert refusal.value.allowed == ["PAID", "CANCELED"]

    # A voucher covers half of it. Olga slips when she notes the rest, is told so, and notes it right.
    pay(order, "50", "voucher-1", at_minutes=10)
    assert standing(order) == ("PENDING", "PROCESSED", "PARTIALLY_PAID", "UNFULFILLED")
    with pytest.raises(Overpayment) as slip:
        order.record_payment(payment_id="cash-1", amount=euros("499"), method="CASH", by=olga, at=after(minutes=20))
    assert slip.value.open == "49.90"
    order.record_payment(payment_id="cash-1", amount=euros("49.90"), method="CASH", by=olga, at=after(minutes=20))
    assert standing(order) == ("PAID", "PROCESSED", "PAID", "UNFULFILLED")

    # The payment service tells of the voucher once more, as messages may come twice. Nothing happens.
    before = deepcopy(order)
    pay(order, "50", "voucher-1", at_minutes=25)
    assert order == before

    # Ann changes her mind an hour later, and then it is too late for her.
    with pytest.raises(CancelWindowClosed):
        order.cancel(reason=CancelReason.CUSTOMER_REQUEST, window=CANCEL_WINDOW, by=ann, at=after(minutes=80))

    # The mugs are packed first. Olga counts one too many, then sends three; a bigger box takes the rest.
    with pytest.raises(OverShipment) as miscount:
        order.ship(shipment_id="parcel-1", lines=[LineQuantity(mugs.line_id, 5)], by=olga, at=after(hours=2))
    assert miscount.value.left == 4
    order.ship(
        shipment_id="parcel-1",
        lines=[LineQuantity(mugs.line_id, 3)],
        carrier="DHL",
        tracking="JD014",
        by=olga,
        at=after(hours=2),
    )
    assert standing(order) == ("PAID", "PROCESSED", "PAID", "PARTIAL")
    order.move_to(Status.SHIPPED, fact_id="parcel-2", window=CANCEL_WINDOW, by=olga, at=after(hours=3))
    assert order.shipments[1].lines == (LineQuantity(mugs.line_id, 1), LineQuantity(teapot.line_id, 1))
    assert standing(order) == ("SHIPPED", "PROCESSED", "PAID", "SHIPPED")

    # What is on the road is not canceled any more, not even by Ada, who may do everything.
    with pytest.raises(IllegalTransition) as too_late:
        order.cancel(reason=CancelReason.FRAUD, window=CANCEL_WINDOW, by=ada, at=after(hours=4))
    assert too_late.value.allowed == ["DELIVERED"]

    # Ann's bank sends two euros more than she owed. They are hers.
    pay(order, "2", "transfer-1", at_minutes=300)
    assert str(order.refund_due) == "2.00"

    # Both parcels arrive, the second one first.
    order.deliver("parcel-2", by=SYSTEM, at=after(hours=26))
    assert standing(order) == ("SHIPPED", "PROCESSED", "PAID", "SHIPPED")
    order.move_to(Status.DELIVERED, fact_id="unused", window=CANCEL_WINDOW, by=olga, at=after(hours=27))
    assert standing(order) == ("DELIVERED", "PROCESSED", "PAID", "DELIVERED")

    # The whole life is in the log, in order and without a gap.
    log = order.take_events()
    assert [(entry.seq, entry.event.type, entry.by) for entry in log] == [
        (1, "order.placed", ann),
        (2, "order.processed", SYSTEM),
        (3, "order.payment_recorded", SYSTEM),
        (4, "order.payment_recorded", olga),
        (5, "order.paid", olga),
        (6, "order.shipment_dispatched", olga),
        (7, "order.shipment_dispatched", olga),
        (8, "order.shipped", olga),
        (9, "order.payment_recorded", SYSTEM),
        (10, "order.refund_due", SYSTEM),
        (11, "order.shipment_delivered", SYSTEM),
        (12, "order.shipment_delivered", olga),
        (13, "order.delivered", olga),
    ]
    assert order.version == 13
    assert (order.placed_at, order.updated_at) == (NOON, after(hours=27))
    assert (str(order.total), str(order.captured), str(order.refund_due)) == ("99.90", "101.90", "2.00")


def euros(text: str) -> Money:
    return Money.parse(text, "EUR", field="amount")


def pay(order: Order, amount: str, payment_id: str, *, at_minutes: int) -> None:
    """As the payment service tells it."""
    order.record_payment(
        payment_id=payment_id, amount=euros(amount), method="CARD", by=SYSTEM, at=after(minutes=at_minutes)
    )


def standing(order: Order) -> tuple[str, str, str, str]:
    return order.status, order.processing_status, order.payment_status, order.fulfillment_status
