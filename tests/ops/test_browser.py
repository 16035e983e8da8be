"""The pages in a real browser: by keyboard, live, without JavaScript, and for eyes and ears of all kinds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import URL

from order_service.domain.actor import Role
from tests.http.served import serving
from tests.http.shop import PASSWORD, Document, Person, Shop, a_line, order_path
from tests.ops.browser import Window, needs_chromium, window
from tests.ops.machinery import Machines, a_dead_job, a_letter, open_shop_with

pytestmark = needs_chromium


@dataclass(frozen=True, slots=True)
class Stage:
    """A shop on a port, with something on each of its pages."""

    shop: Shop
    machines: Machines
    origin: str
    admin: Person
    customer: Person

    async def order(self) -> Document:
        return await self.customer.place(
            lines=[a_line(), a_line(sku="A-RATHER-LONG-STOCK-KEEPING-UNIT-1", name="Mug" * 30)],
            metadata={"channel": "web", "a-longer-key-of-the-shop": "w" * 200},
        )


@pytest.fixture(scope="module")
async def stage(shop_database: URL) -> AsyncIterator[Stage]:
    machines = Machines(dead=[a_dead_job("It broke. " * 20, uuid4())])
    machines.letters_are(a_letter(0, detail="d" * 300), a_letter(1, value=b"{" * 3_000), a_letter(2, cut=True))
    async with open_shop_with(machines, shop_database) as shop, serving(shop) as served:
        admin, customer = await shop.member(Role.ADMIN), await shop.person()
        async with admin.client, customer.client:
            yield Stage(shop, machines, served.url, admin, customer)


@pytest.fixture
async def entered(stage: Stage, chromium: Browser) -> AsyncIterator[Window]:
    """A window, and somebody logged in; nothing may complain in it, or ask anybody else for anything."""
    async with window(chromium, stage.origin) as opened:
        await opened.log_in(stage.admin.email, PASSWORD)
        yield opened
        assert opened.complaints == []
        assert opened.asked_others() == []


def address(stage: Stage, order: Document, *rest: str) -> str:
    return "/".join([stage.origin, "ops/orders", order["id"], *rest])


async def test_everything_can_be_done_by_keyboard(stage: Stage, entered: Window) -> None:
    order = await stage.order()
    page = entered.page
    await page.goto(f"{stage.origin}/ops/orders")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Number, id or external reference")).to_be_focused()
    await page.keyboard.type(order["number"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {order['number']}")
    await entered.tab_to("Cancel the order")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Cancel order {order['number']}?")
    await page.get_by_label("Reason").focus()
    await page.keyboard.type("Fraud")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Two cards, one name")
    await entered.tab_to("Cancel the order")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The order is canceled.")).to_be_visible()
    canceled = await stage.customer.read(order)
    assert (canceled["cancellation"]["reason"], canceled["cancellation"]["note"]) == ("FRAUD", "Two cards, one name")


async def test_what_happens_appears_by_itself_and_leaves_the_keyboard_where_it_is(
    stage: Stage, entered: Window
) -> None:
    order = await stage.order()
    page = entered.page
    await page.goto(address(stage, order))
    await page.evaluate("window.isTheSame = true")
    await page.locator("#cancel-link").focus()
    await expect(page.locator("#timeline > li")).to_have_count(1)
    await stage.admin.move(order, "PAID")
    await expect(page.locator("#timeline > li")).to_have_count(3)
    assert await page.locator("#timeline > li").evaluate_all("them => them.map(one => one.id)") == [
        "event-3",
        "event-2",
        "event-1",
    ]
    await expect(page.locator("#news")).to_have_text("New: Payment recorded, Paid.")
    await expect(page.locator("#order-live .badge").first).to_have_text("Paid")
    await expect(page.locator("#cancel-link")).to_be_focused()
    await stage.admin.move(order, "SHIPPED")
    await expect(page.locator("#event-5")).to_be_visible()
    await expect(page.locator("#cancel-link")).to_have_count(0)
    assert await page.evaluate("window.isTheSame")


async def test_older_events_are_added_below(stage: Stage, entered: Window) -> None:
    order = await stage.order()
    for n in range(51):
        await stage.customer.patch(order_path(order), json={"metadata": {"n": str(n)}})
    page = entered.page
    await page.goto(address(stage, order))
    await expect(page.locator("#timeline > li")).to_have_count(50)
    await page.get_by_role("link", name="Older events").click()
    await expect(page.locator("#timeline > li")).to_have_count(52)
    await expect(page.get_by_role("link", name="Older events")).to_have_count(0)


async def test_a_page_that_nobody_sees_does_not_ask(stage: Stage, entered: Window) -> None:
    page = entered.page
    await page.clock.install()
    order = await stage.order()
    await page.goto(address(stage, order))
    await page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    entered.asked.clear()
    await page.clock.run_for(60_000)
    asked = [place for place in entered.asked if not place.endswith(".svg")]  # browsers fetch icons when they like
    assert asked == []
    await page.evaluate("delete document.hidden")
    async with page.expect_request("**/news?seen=1"):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    async with page.expect_request("**/news?seen=1"):
        await page.clock.run_for(2_500)


async def test_a_page_that_is_not_up_to_date_says_so(stage: Stage, chromium: Browser) -> None:
    async with window(chromium, stage.origin) as opened:
        await opened.log_in(stage.admin.email, PASSWORD)
        await expect(opened.page.locator("#stale")).to_be_hidden()
        await opened.page.context.set_offline(True)
        await expect(opened.page.locator("#stale")).to_be_visible()
        await opened.page.context.set_offline(False)
        await expect(opened.page.locator("#stale")).to_be_hidden()


async def test_the_overview_renews_itself_and_tells_in_words_what_is_new(stage: Stage, entered: Window) -> None:
    page = entered.page
    await expect(page.locator("#summary")).to_have_text("1 dead job and 3 dead letters to look at.")
    stage.machines.dead.append(a_dead_job("again"))
    try:
        await expect(page.locator("#summary")).to_have_text("2 dead jobs and 3 dead letters to look at.")
    finally:
        stage.machines.dead.pop()


async def test_a_session_that_ends_leads_to_the_log_in_and_back(stage: Stage, chromium: Browser) -> None:
    order = await stage.order()
    async with window(chromium, stage.origin) as opened:
        await opened.log_in(stage.admin.email, PASSWORD)
        await opened.page.goto(address(stage, order))
        ended = await stage.admin.get("/api/v1/accounts/me/sessions")
        for session in ended.json()["items"]:
            if not session["current"]:
                await stage.admin.ask("DELETE", f"/api/v1/accounts/me/sessions/{session['id']}")
        await expect(opened.page.get_by_role("heading", level=1)).to_have_text("Log in")
        await opened.page.get_by_label("E-mail address").fill(stage.admin.email)
        await opened.page.get_by_label("Password").fill(PASSWORD)
        await opened.page.get_by_role("button", name="Log in").click()
        await expect(opened.page.get_by_role("heading", level=1)).to_have_text(f"Order {order['number']}")


async def test_a_link_on_another_site_leads_to_the_page_and_not_to_the_log_in(stage: Stage, entered: Window) -> None:
    page = entered.page
    await page.goto(stage.origin.replace("127.0.0.1", "localhost") + "/docs")
    await page.evaluate(f"location.href = '{stage.origin}/ops/orders?status=PAID'")
    await expect(page).to_have_title("Orders · Order service operations")
    entered.asked.clear()  # the other site's own


async def test_it_works_without_javascript(stage: Stage, chromium: Browser) -> None:
    order = await stage.order()
    async with window(chromium, stage.origin, javascript=False) as opened:
        page = opened.page
        await page.goto(address(stage, order))
        await page.get_by_label("E-mail address").fill(stage.admin.email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {order['number']}")
        await page.get_by_role("link", name="Cancel the order").click()
        await page.get_by_role("button", name="Cancel the order").click()
        await expect(page.get_by_text("The order is canceled.")).to_be_visible()
        await page.get_by_role("link", name="Deeds").click()
        await expect(page.get_by_role("link", name=f"order {order['id']}")).to_be_visible()
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


async def test_every_page_is_for_everybody_in_light_and_dark_and_on_a_phone(stage: Stage, entered: Window) -> None:
    order, canceled = await stage.order(), await stage.order()
    await stage.admin.move(order, "PAID", "SHIPPED", "DELIVERED")
    await stage.customer.post(order_path(order, "returns"), json={"reason": "chipped"})
    await stage.admin.move(canceled, "CANCELED")
    job = stage.machines.dead[0].id
    new = await stage.order()
    paths = [
        "",
        "/orders",
        "/orders?status=LOST",
        f"/orders/{order['id']}",
        f"/orders/{canceled['id']}",
        f"/orders/{canceled['id']}/cancel",
        f"/orders/{new['id']}/cancel",
        f"/orders/{new['id']}/screen",
        "/jobs",
        f"/jobs/{job}/retry",
        "/letters",
        "/letters/0/1/redrive",
        "/letters/0/2/dismiss",
        "/deeds",
    ]
    for path in paths:
        await entered.page.goto(f"{stage.origin}/ops{path}")
        await entered.is_accessible()
    entered.complaints.clear()  # that a filter was refused


async def test_the_log_in_and_its_refusals_are_for_everybody_too(stage: Stage, chromium: Browser) -> None:
    async with window(chromium, stage.origin) as opened:
        await opened.page.goto(f"{stage.origin}/ops/login")
        await opened.is_accessible()
        await opened.page.get_by_label("E-mail address").fill(stage.admin.email)
        await opened.page.get_by_label("Password").fill("a guess")
        await opened.page.get_by_role("button", name="Log in").click()
        await expect(opened.page.get_by_role("alert")).to_be_visible()
        await opened.is_accessible()
        await opened.page.goto(f"{stage.origin}/ops/orders/1")
        await opened.is_accessible()
