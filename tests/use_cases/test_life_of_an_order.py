"""The whole business, once: from the first visit to the parcel at the door, through every part of the service."""

import json
from datetime import timedelta

from order_service.domain.actor import SYSTEM, Role
from order_service.domain.lifecycle import ProcessingStatus, Status
from order_service.domain.lines import LineQuantity
from order_service.ports import OrderFilter
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.list_order_events import ListOrderEventsQuery
from order_service.use_cases.list_orders import ListOrdersQuery
from order_service.use_cases.log_in import LogInCommand
from order_service.use_cases.place_order import PlaceOrderCommand, WantedLine
from order_service.use_cases.register_account import RegisterAccountCommand
from tests.builders import as_told
from tests.use_cases.shop import PASSWORD, Shop, a_key, read


async def test_the_life_of_an_order_from_registering_to_delivery(shop: Shop) -> None:
    # Ann registers, logs in, and is known by her token from now on.
    await shop.register(RegisterAccountCommand(email="Ann@Example.com", password=PASSWORD))
    token = (
        await shop.log_in(LogInCommand(email="ann@example.com", password=PASSWORD, origin="192.0.2.1"))
    ).access_token
    ann = shop.tokens.bearer(token, at=shop.clock.now()).actor

    # She places an order; her client is unsure whether it arrived, and sends it again.
    command = PlaceOrderCommand(
        by=ann,
        currency="EUR",
        lines=[
            WantedLine(name="Blue mug", quantity=2, unit_price="10.00", sku="MUG-BLUE"),
            WantedLine(name="Tea", quantity=1, unit_price="4.50"),
        ],
        total_price="24.50",
        idempotency_key=a_key(),
    )
    placed = (await shop.place_order(command)).order
    assert (await shop.place_order(command)).order == placed
    order_id = placed.order_id

    # The log tells it to the world; whoever hears of a new order asks for its screening, and the worker does it.
    async with shop.log.reader("relay") as relay:
        while await shop.relay_events(relay):
            pass
    for event in shop.publisher.published:
        if event.type == "order.placed":
            await shop.jobs.enqueue_processing(event.order_id)
    for waiting in shop.jobs.waiting:
        await shop.process_order(waiting)
    assert (await shop.see(order_id)).processing_status is ProcessingStatus.PROCESSED

    # An hour later the payment service tells of money in two parts, twice of the second.
    shop.clock.advance(timedelta(hours=1))
    for payment_id, amount in (("voucher", "4.50"), ("card", "20.00"), ("card", "20.00")):
        await shop.pay(order_id, amount, payment_id)

    # Staff send the mugs, then the rest; two days later both parcels are at the door.
    operator = (
        await shop.register(RegisterAccountCommand(email="o@x.org", password=PASSWORD, role=Role.OPERATOR))
    ).actor
    ship = OrderChange(order_id=order_id, by=operator)
    mugs = read(placed).lines[0]
    await shop.ship_order(ship, lines=[LineQuantity(mugs.line_id, mugs.quantity)], carrier="DHL", tracking="J1")
    await shop.ship_order(ship)
    shop.clock.advance(timedelta(days=2))
    for parcel in (await shop.see(order_id)).shipments:
        await shop.deliver_shipment(OrderChange(order_id=order_id, by=SYSTEM), parcel.shipment_id)

    # Ann looks at it: alone, in her list, and at what happened.
    seen = await shop.get_order(order_id, by=ann)
    order = read(seen)
    assert (order.status, order.payment_status, order.fulfillment_status) == (Status.DELIVERED, "PAID", "DELIVERED")
    assert (order.total, order.captured, order.refund_due) == ("24.50", "24.50", "0.00")
    listed = await shop.list_orders(ListOrdersQuery(by=ann, wanted=OrderFilter(status=Status.DELIVERED)))
    assert listed.orders == [seen]
    history = await shop.list_order_events(ListOrderEventsQuery(by=ann, order_id=order_id))
    assert [(event.seq, event.type, event.actor.kind) for event in history] == [
        (1, "order.placed", "customer"),
        (2, "order.processed", "system"),
        (3, "order.payment_recorded", "system"),
        (4, "order.payment_recorded", "system"),
        (5, "order.paid", "system"),
        (6, "order.shipment_dispatched", "operator"),
        (7, "order.shipment_dispatched", "operator"),
        (8, "order.shipped", "operator"),
        (9, "order.shipment_delivered", "system"),
        (10, "order.shipment_delivered", "system"),
        (11, "order.delivered", "system"),
    ]

    # The world hears the rest of it, each fact once and in order; the last word is the order as Ann sees it.
    async with shop.log.reader("relay") as relay:
        while await shop.relay_events(relay):
            pass
    assert [event.seq for event in shop.publisher.published] == list(range(1, 12))
    assert json.loads(shop.publisher.published[-1].payload)["order"] == as_told(seen)
    # And a repetition of the first request still gets the first answer.
    assert (await shop.place_order(command)).order == placed
