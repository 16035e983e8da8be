"""An order's life through every process and all three services."""

from typing import Any

import httpx

from tests.fleet.people import a_customer, an_operator
from tests.fleet.roles import Fleet
from tests.fleet.topics import tell, told
from tests.fleet.waiting import until


async def test_an_order_is_placed_screened_paid_shipped_and_delivered(
    fleet: Fleet, environment: dict[str, str], kafka_bootstrap_servers: str
) -> None:
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        ann = await a_customer(http)
        order = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()
        path = f"/api/v1/orders/{order['id']}"
        await until(lambda: reads(http, path, ann, processing_status="PROCESSED"))

        payment = {"payment_id": "pay-1", "order_id": order["id"], "amount": "13.50", "currency": "EUR"}
        payment["captured_at"] = "2026-01-01T00:00:00Z"
        payments = environment["KAFKA_PAYMENTS_TOPIC"]
        for _ in range(3):  # the same message three times has one effect
            await tell(kafka_bootstrap_servers, payments, "payment.captured", payment, id="message-1")
        await until(lambda: reads(http, path, ann, status="PAID"))

        shipments = environment["KAFKA_SHIPMENTS_TOPIC"]
        parcel = {"shipment_id": "parcel-1", "order_id": order["id"]}
        dispatched = {**parcel, "carrier": "DHL", "dispatched_at": "2026-01-02T00:00:00Z"}
        delivered = {**parcel, "delivered_at": "2026-01-03T00:00:00Z"}
        await tell(kafka_bootstrap_servers, shipments, "shipment.dispatched", dispatched)
        await tell(kafka_bootstrap_servers, shipments, "shipment.delivered", delivered)
        await until(lambda: reads(http, path, ann, status="DELIVERED"))

        history = (await http.get(f"{path}/events", headers=ann)).json()["items"]
        assert [event["type"] for event in history] == LIFE
        assert (await http.get(path, headers=an_operator())).json()["captured"] == "13.50"

    async def all_told() -> bool:
        return len(await told(kafka_bootstrap_servers, environment["KAFKA_TOPIC"])) >= len(LIFE)

    await until(all_told)
    records = await told(kafka_bootstrap_servers, environment["KAFKA_TOPIC"])
    assert [dict(record.headers)["ce_type"].decode() for record in records] == LIFE
    assert {record.key.decode() for record in records} == {order["id"]}


AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 3, "unit_price": "4.50"}]}

LIFE = [
    "order.placed",
    "order.processed",
    "order.payment_recorded",
    "order.paid",
    "order.shipment_dispatched",
    "order.shipped",
    "order.shipment_delivered",
    "order.delivered",
]


async def reads(http: httpx.AsyncClient, path: str, who: dict[str, str], **expected: Any) -> bool:
    found = (await http.get(path, headers=who)).json()
    return all(found.get(name) == value for name, value in expected.items())
