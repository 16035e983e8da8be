"""An operator's morning, in a real browser in front of a whole fleet: Kafka, Redis, and every process."""

import re
from uuid import uuid4

import httpx
import msgspec
from playwright.async_api import Browser, expect
from sqlalchemy import make_url

from composition.container import Resources, make_container
from order_service.domain.actor import SYSTEM, Role
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from tests.fleet.people import SECRET_KEY, a_customer, an_operator
from tests.fleet.roles import Fleet
from tests.fleet.topics import send
from tests.http.shop import GENEROUS, PASSWORD, order_body
from tests.ops.browser import needs_chromium, window

EMAIL = "olga@example.com"


@needs_chromium
async def test_a_letter_is_redriven_and_its_order_is_seen_to_go_on(
    chromium: Browser, fleet: Fleet, environment: dict[str, str]
) -> None:
    await register(environment)
    async with httpx.AsyncClient(base_url=fleet.address) as http:
        customer = await a_customer(http)
        order = (await http.post("/api/v1/orders", json=order_body(), headers=customer)).raise_for_status().json()
        await dispatch(environment, order["id"])  # before it is paid, so it dies

        async with window(chromium, fleet.address) as opened:
            page = opened.page
            await opened.log_in(EMAIL, PASSWORD)
            await expect(page.locator("#summary")).to_have_text("1 dead letter to look at.")
            for service in ("PostgreSQL", "Redis", "Kafka"):
                await expect(page.locator(".tile", has_text=service).first).to_contain_text("Answers")

            await page.get_by_role("link", name="Orders", exact=True).click()
            await page.get_by_label("Number, id or external reference").fill(order["number"])
            await page.get_by_role("button", name="Find").click()
            await expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {order['number']}")
            await expect(page.locator("#event-2")).to_contain_text("Processed")

            payment = {"payment_id": uuid4().hex, "amount": order["total"], "method": "CARD"}
            path = f"/api/v1/orders/{order['id']}/payments"
            (await http.post(path, json=payment, headers=an_operator())).raise_for_status()
            await expect(page.locator("#event-4")).to_contain_text("Paid")

            other = await page.context.new_page()
            await other.goto(f"{opened.origin}/ops/letters")
            await expect(other.get_by_text("A PENDING order cannot become SHIPPED.")).to_be_visible()
            await other.get_by_text(re.compile("^Value, ")).click()
            await expect(other.get_by_text("a parcel of the tests")).to_be_visible()
            await other.get_by_role("link", name="Redrive the letter").click()
            await other.get_by_role("button", name="Redrive the letter").click()
            await expect(other.get_by_text("The letter is back where it came from")).to_be_visible()
            await expect(other.get_by_text("Put back", exact=True).first).to_be_visible()

            await expect(page.locator("#event-6")).to_contain_text("Shipped")
            await expect(page.locator("#order-live")).to_contain_text("a parcel of the tests")

            await other.goto(f"{opened.origin}/ops/deeds")
            await expect(other.get_by_role("row").nth(1)).to_contain_text("Redrive letter")
            await other.goto(f"{opened.origin}/ops/jobs")
            await expect(other.get_by_role("heading", level=1)).to_have_text("Jobs")
            assert opened.complaints == []
            assert opened.asked_others() == []


async def register(environment: dict[str, str]) -> None:
    resources = Resources(database=make_url(environment["DATABASE_URL"]), secret_key=SECRET_KEY)
    container = make_container(GENEROUS, resources)
    try:
        command = RegisterAccountCommand(email=EMAIL, password=PASSWORD, role=Role.OPERATOR, by=SYSTEM)
        await (await container.get(RegisterAccount))(command)
    finally:
        await container.close()


async def dispatch(environment: dict[str, str], order_id: str) -> None:
    value = {"shipment_id": "a parcel of the tests", "order_id": order_id, "dispatched_at": "2026-11-24T12:00:00Z"}
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", uuid4().hex.encode()),
        ("ce_source", b"/tests"),
        ("ce_type", b"shipment.dispatched"),
    ]
    servers, topic = environment["KAFKA_BOOTSTRAP_SERVERS"], environment["KAFKA_SHIPMENTS_TOPIC"]
    await send(servers, topic, msgspec.json.encode(value), headers, key=order_id.encode())
