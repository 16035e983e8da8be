"""What the pages show, and what is done on them."""

import asyncio
import re
from dataclasses import replace
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import URL

from order_service.domain.actor import Role
from order_service.ports import Deed, Deeds
from tests.http.shop import Document, Person, Shop, a_line, document, order_path
from tests.ops.machinery import Machines, a_dead_job, a_letter, open_shop_with
from tests.ops.staff import Browser, somebody

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;"


def path_of(order: Document, *rest: str) -> str:
    return "/".join(["/ops/orders", order["id"], *rest])


def numbers(page: httpx.Response) -> list[str]:
    """Of the orders in the list."""
    return re.findall(r'data-label="Number"><a [^>]*>([^<]*)</a>', page.text)


def words(page: httpx.Response) -> str:
    """All that a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2])).split())


async def newest_deed(shop: Shop) -> Deed:
    deeds: Deeds = await shop.container.get(Deeds)
    [deed] = await deeds.newest(1)
    return deed


# Orders


async def test_an_order_is_found_by_whatever_people_call_it(olga: Browser, ann: Person) -> None:
    order = await ann.place(external_ref=f"web-{uuid4().hex}")
    for name in (order["number"], order["number"].lower().replace("-", " "), order["id"]):
        answer = await olga.get("/ops/orders", params={"q": name})
        assert (answer.status_code, answer.headers.get("location")) == (303, path_of(order)), name
    assert numbers(await olga.get("/ops/orders", params={"q": order["external_ref"]})) == [order["number"]]
    assert "Nothing found" in words(await olga.get("/ops/orders", params={"q": "no such thing"}))


async def test_orders_are_filtered_and_the_form_keeps_it(shop: Shop, olga: Browser, ann: Person) -> None:
    operator = await shop.person(Role.OPERATOR)
    sku = uuid4().hex
    paid, pending = await ann.place(lines=[a_line(sku=sku)]), await ann.place(lines=[a_line(sku=sku)])
    async with operator.client:
        await operator.move(paid, "PAID")
    for asked, found in (
        ({}, [pending, paid]),
        ({"status": "PAID"}, [paid]),
        ({"payment_status": "UNPAID"}, [pending]),
        ({"processing_status": "QUEUED", "return_status": "NONE"}, [pending, paid]),
        ({"fulfillment_status": "UNFULFILLED"}, [pending, paid]),
        ({"processing_status": "REJECTED"}, []),
        ({"placed_from": paid["placed_at"][:10], "placed_to": paid["placed_at"][:10]}, [pending, paid]),
        ({"placed_to": "2020-02-29"}, []),
        ({"customer": str(ann.id)}, [pending, paid]),
        ({"customer": str(uuid4())}, []),
    ):
        page = await olga.get("/ops/orders", params={"sku": sku, **asked})
        assert numbers(page) == [order["number"] for order in found], asked
        assert f'value="{sku}"' in page.text
    chosen = await olga.get("/ops/orders", params={"status": "PAID"})
    assert '<option value="PAID" selected>' in chosen.text


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"status": "LOST"}, "Status must be one of those"),
        ({"placed_from": "yesterday"}, "Placed from must be a day"),
        ({"placed_to": "2026-02-30"}, "Placed to must be a day"),
        ({"customer": "ann"}, "Customer must be an e-mail address or an account's id"),
        ({"sku": "a" * 65}, "sku"),
        ({"cursor": "forged"}, "cursor"),
    ],
)
async def test_a_filter_that_cannot_be_is_told_beside_the_form(
    olga: Browser, asked: dict[str, str], told: str
) -> None:
    page = await olga.get("/ops/orders", params=asked)
    assert page.status_code == 422
    assert told in words(page)
    assert '<form method="get" action="/ops/orders"' in page.text


async def test_addresses_of_customers_are_looked_up_for_admins_alone(
    olga: Browser, adam: Browser, ann: Person
) -> None:
    order = await ann.place()
    assert numbers(await adam.get("/ops/orders", params={"customer": ann.email})) == [order["number"]]
    assert (await adam.get("/ops/orders", params={"customer": "who@example.com"})).status_code == 422
    refused = await olga.get("/ops/orders", params={"customer": ann.email})
    assert (refused.status_code, order["number"] in refused.text) == (422, False)


async def test_the_list_goes_on_behind_its_last_order(olga: Browser, adam: Browser, ann: Person) -> None:
    placed = [(await ann.place())["number"] for _ in range(27)]
    first = await olga.get("/ops/orders", params={"customer": str(ann.id)})
    assert numbers(first) == placed[:1:-1]
    [further] = re.findall(r'href="([^"]*)" rel="next"', first.text)
    second = await olga.get(unescape(further))
    assert numbers(second) == placed[1::-1]
    assert 'rel="next"' not in second.text
    assert (await adam.get(unescape(further))).status_code == 422  # made for somebody else


# One order


async def test_an_order_tells_its_facts_and_its_life(shop: Shop, olga: Browser, ann: Person, order: Document) -> None:
    operator = await shop.person(Role.OPERATOR)
    async with operator.client:
        await operator.move(order, "PAID")
        shipped = await operator.post(
            order_path(order, "shipments"),
            json={"carrier": "DHL", "lines": [{"line_id": order["lines"][0]["line_id"], "quantity": 2}]},
        )
        assert shipped.status_code < 300
    told = words(await olga.get(path_of(order)))
    facts = ("13.50 EUR", "Mug", "MUG-1", "DHL", "2 \u00d7 Mug", "Partial")
    for fact in (order["number"], order["id"], str(ann.id), *facts):
        assert fact in told, fact
    life = told.partition("Life")[2]
    assert re.findall(r"#(\d) ([A-Z][a-z ]*[a-z]) order\.", life) == [
        ("4", "Shipment dispatched"),
        ("3", "Paid"),
        ("2", "Payment recorded"),
        ("1", "Placed"),
    ]
    assert f"by operator …{str(operator.id)[-8:]}" in life
    assert "Without JavaScript this page does not follow the order" in told
    assert f"by customer …{str(ann.id)[-8:]}" in life


async def test_a_page_that_looks_for_news_gets_what_it_has_not_seen_and_costs_little_else(
    shop: Shop, olga: Browser, order: Document
) -> None:
    quiet = await olga.get(path_of(order, "news?seen=1"))
    assert (quiet.status_code, quiet.text) == (204, "")
    operator = await shop.person(Role.OPERATOR)
    async with operator.client:
        await operator.move(order, "PAID")
    news = await olga.get(path_of(order, "news?seen=1"))
    assert news.status_code == 200
    assert "news?seen=3" in news.text
    assert re.findall(r'id="event-(\d)"', news.text) == ["3", "2"]
    assert "New: Payment recorded, Paid." in news.text
    assert (await olga.get(path_of(order, "news?seen=3"))).status_code == 204


async def test_who_has_missed_more_than_an_answer_tells_loads_the_page_anew(
    olga: Browser, ann: Person, order: Document
) -> None:
    for n in range(60):
        changed = await ann.patch(order_path(order), json={"metadata": {"n": str(n)}})
        assert changed.status_code == 200
    assert (await olga.get(path_of(order, "news?seen=1"))).headers["hx-refresh"] == "true"
    first = await olga.get(path_of(order))
    assert re.findall(r'id="event-(\d+)"', first.text) == [str(n) for n in range(61, 11, -1)]
    for further in (path_of(order, "older?before=12"), path_of(order) + "?before=12"):
        older = await olga.get(further)
        assert re.findall(r'id="event-(\d+)"', older.text) == [str(n) for n in range(11, 0, -1)]
        assert "Older events" not in older.text
    assert re.findall("id=.event-", (await olga.get(path_of(order, "older?before=0"))).text) == []


async def test_only_what_is_allowed_now_is_offered(shop: Shop, olga: Browser, order: Document) -> None:
    cancel, screen = (f'href="{path_of(order, what)}"' for what in ("cancel", "screen"))
    new = await olga.get(path_of(order))
    assert (cancel in new.text, screen in new.text) == (True, True)
    await shop.process(order)
    screened = await olga.get(path_of(order))
    assert (cancel in screened.text, screen in screened.text) == (True, False)
    assert "It was screened already" in words(await olga.get(path_of(order, "screen")))
    operator = await shop.person(Role.OPERATOR)
    async with operator.client:
        await operator.move(order, "PAID", "SHIPPED")
    shipped = await olga.get(path_of(order))
    assert (cancel in shipped.text, screen in shipped.text) == (False, False)
    asked = await olga.get(path_of(order, "cancel"))
    assert "something of it has shipped" in words(asked)
    assert 'name="reason"' not in asked.text


async def test_an_order_is_canceled_on_the_page_once_and_it_is_known_by_whom(
    shop: Shop, olga: Browser, ann: Person, order: Document
) -> None:
    form = {**await olga.hidden(path_of(order, "cancel")), "reason": "OUT_OF_STOCK", "note": " Sold out.\r\nSorry."}
    answers = await asyncio.gather(*(olga.send(path_of(order, "cancel"), form) for _ in range(2)))
    for answer in answers:  # both clicks of one who clicks twice
        assert (answer.status_code, answer.headers.get("location")) == (303, path_of(order) + "?done=canceled")
    page = words(await olga.get(answers[0].headers["location"]))
    assert "The order is canceled." in page
    canceled = await ann.read(order)
    assert (canceled["status"], canceled["version"]) == ("CANCELED", 2)
    assert canceled["cancellation"] | {"canceled_at": ""} == {
        "reason": "OUT_OF_STOCK",
        "note": "Sold out. Sorry.",
        "canceled_at": "",
    }
    [_, event] = document(await ann.get(order_path(order, "events")))["items"]
    deed = await newest_deed(shop)
    assert (event["actor"]["kind"], event["actor"]["id"]) == ("operator", str(deed.by.id))
    assert (deed.what, deed.subject) == ("cancel order", f"order {order['id']}")


async def test_what_was_not_looked_at_is_not_canceled(olga: Browser, ann: Person, order: Document) -> None:
    form = {**await olga.hidden(path_of(order, "cancel")), "reason": "OTHER"}
    assert (await ann.patch(order_path(order), json={"metadata": {"a": "b"}})).status_code == 200
    refused = await olga.send(path_of(order, "cancel"), form)
    assert refused.status_code == 412
    assert "It is at version 2 by now." in words(refused)
    assert f'href="{path_of(order, "cancel")}"' in refused.text
    assert (await ann.read(order))["status"] == "PENDING"


@pytest.mark.parametrize(
    "wrong", [{"reason": "WHY"}, {"reason": "OTHER", "version": "x"}, {"reason": "OTHER", "note": "n" * 501}, {}]
)
async def test_a_form_that_cannot_be_is_refused(olga: Browser, order: Document, wrong: dict[str, str]) -> None:
    form = {**await olga.hidden(path_of(order, "cancel")), **wrong}
    assert (await olga.send(path_of(order, "cancel"), form)).status_code == 400


async def test_an_order_is_screened_again_and_it_is_known_who_asked(
    shop: Shop, olga: Browser, order: Document
) -> None:
    form = await olga.hidden(path_of(order, "screen"))
    answer = await olga.send(path_of(order, "screen"), form)
    assert answer.headers["location"] == path_of(order) + "?done=queued"
    deed = await newest_deed(shop)
    assert (deed.what, deed.subject, deed.by.kind) == ("screen again", f"order {order['id']}", "operator")
    await shop.process(order)
    refused = await olga.send(path_of(order, "screen"), form)
    assert refused.status_code == 409
    assert "The order was screened already: it is PROCESSED." in words(refused)


# Hostile texts


async def test_what_customers_write_is_text_and_nothing_else(olga: Browser, ann: Person) -> None:
    order = await ann.place(
        lines=[a_line(sku=HOSTILE[:64], name=HOSTILE)], external_ref=HOSTILE, metadata={HOSTILE[:40]: HOSTILE}
    )
    page = await olga.get(path_of(order))
    assert page.text.count(SHOWN) >= 3
    listed = await olga.get("/ops/orders", params={"q": HOSTILE, "sku": HOSTILE[:64], "customer": HOSTILE})
    note = {**await olga.hidden(path_of(order, "cancel")), "reason": "OTHER", "note": HOSTILE}
    await olga.send(path_of(order, "cancel"), note)
    canceled = await olga.get(path_of(order))
    assert canceled.text.count(SHOWN) > page.text.count(SHOWN)
    elsewhere = [
        await olga.get(path_of(order, "news?seen=0")),
        await olga.get(path_of(order) + "?done=" + HOSTILE[:20]),
        await olga.get(f"/ops/{HOSTILE}"),
        await olga.get("/ops/login", params={"next": HOSTILE}),
        await olga.log_in(HOSTILE, "x"),
    ]
    for answer in (page, listed, canceled, *elsewhere):
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


# The machinery


@pytest.fixture
def machines() -> Machines:
    return Machines()


async def test_without_redis_and_kafka_the_pages_say_so(olga: Browser) -> None:
    assert "Redis Not used: in the process" in words(await olga.get("/ops"))
    assert "The queue is a part of this process" in words(await olga.get("/ops/jobs"))
    assert "runs without Kafka" in words(await olga.get("/ops/letters"))


async def test_the_overview_tells_of_everything_and_again_only_when_it_is_new(
    shop_database: URL, machines: Machines
) -> None:
    machines.letters_are(a_letter(0), a_letter(1))
    machines.dead.append(a_dead_job("it broke"))
    machines.lag = 4
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        page = await browser.get("/ops")
        told = words(page)
        for fact in ("1 dead job and 2 dead letters to look at.", "PostgreSQL Answers", "Redis Answers",
                     "Kafka Answers", "Relay lag 4 events", "7 messages of payments", "Jobs to do 11 and 12 later",
                     "Jobs running 3", "1 process at the queue"):  # fmt: skip
            assert fact in told, fact
        [asked] = re.findall(r'hx-get="(/ops/machinery[^"]*)"', page.text)
        quiet = await browser.get(unescape(asked))
        assert (quiet.status_code, quiet.text) == (204, "")


async def test_what_does_not_answer_is_told(shop_database: URL, machines: Machines) -> None:
    machines.is_away = machines.letters.is_away = True
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        told = words(await browser.get("/ops"))
        assert "Redis and Kafka do not answer." in told
        assert "Redis Does not answer" in told
        assert "PostgreSQL Answers" in told
        assert "Redis does not answer" in words(await browser.get("/ops/jobs"))
        assert "Kafka does not answer" in words(await browser.get("/ops/letters"))
        refused = await browser.get(f"/ops/jobs/{uuid4()}/retry")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "Idempotency-Key" not in refused.text


async def test_a_dead_job_is_retried_and_it_is_known_by_whom(shop_database: URL, machines: Machines) -> None:
    job, other = a_dead_job(f"failed {HOSTILE}", uuid4()), a_dead_job("failed", *(uuid4() for _ in range(7)))
    machines.dead += [job, other]
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        page = await browser.get("/ops/jobs")
        assert SHOWN in page.text
        assert "and 2 more" in words(page)
        path = f"/ops/jobs/{job.id}/retry"
        form = await browser.hidden(path)
        assert machines.retried == []
        answer = await browser.send(path, form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/ops/jobs?done=retried")
        assert machines.retried == [job.id]
        assert "waits to be done again" in words(await browser.get(answer.headers["location"]))
        deed = await newest_deed(shop)
        assert (deed.what, deed.subject, deed.by.kind) == ("retry job", job.id, "operator")
        assert (await browser.send(path, form)).status_code == 404


async def test_a_dead_letter_is_put_back_and_it_is_known_by_whom(shop_database: URL, machines: Machines) -> None:
    value = b"\x00\x1b[31m\xff" + HOSTILE.encode() + b"x" * 5_000
    machines.letters_are(a_letter(1, value=value, detail=HOSTILE, cause=HOSTILE, key=HOSTILE), a_letter(2, cut=True))
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        page = await browser.get("/ops/letters")
        assert page.text.count(SHOWN) >= 4
        assert "\\x00\\x1b[31m\N{REPLACEMENT CHARACTER}" in page.text
        assert "x" * 1_000 in page.text
        assert "x" * 2_000 not in page.text
        assert page.text.count("/redrive") == 1
        assert "Only its beginning was kept" in words(page)
        path = "/ops/letters/0/1/redrive"
        form = await browser.hidden(path)
        assert machines.letters.sent == []
        answer = await browser.send(path, form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/ops/letters?done=redriven")
        assert [letter.place.offset for letter in machines.letters.sent] == [1]
        deed = await newest_deed(shop)
        assert (deed.what, deed.subject, deed.by.kind) == ("redrive letter", "0@1, from payments/2@41", "operator")
        told = words(await browser.get(answer.headers["location"]))
        assert f"by operator …{str(deed.by.id)[-8:]}" in told
        assert told.index("0@2") < told.index("0@1 ")  # those that wait come first
        again = await browser.send(path, form)
        assert again.status_code == 409
        assert (await browser.send("/ops/letters/0/2/redrive", form)).status_code == 409
        assert (await browser.send("/ops/letters/7/7/redrive", form)).status_code == 404
        assert "Put back" in words(await browser.get("/ops/letters/0/1/dismiss"))


async def test_a_letter_is_dismissed_whatever_it_is_and_waits_no_longer(
    shop_database: URL, machines: Machines
) -> None:
    machines.letters_are(a_letter(0), a_letter(1, cut=True), replace(a_letter(2), topic=HOSTILE, heard=False))
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        assert (await browser.get("/ops/letters")).text.count("/dismiss") == 3
        for offset in range(3):
            path = f"/ops/letters/0/{offset}/dismiss"
            form = await browser.hidden(path)
            answer = await browser.send(path, form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/ops/letters?done=dismissed")
            assert (await browser.send(path, form)).status_code == 409
        assert (await newest_deed(shop)).what == "dismiss letter"
        told = await browser.get("/ops/letters?done=dismissed")
        assert "The letter waits no longer." in words(told)
        assert "/dismiss" not in told.text
        assert "/redrive" not in told.text
        assert "to look at" not in words(await browser.get("/ops"))
        assert (await browser.send("/ops/letters/0/1/redrive", form)).status_code == 409
        assert (await browser.send("/ops/letters/0/9/dismiss", form)).status_code == 404
        assert machines.letters.sent == []


async def test_many_letters_at_once_are_put_back_and_leave_room_for_others(
    shop_database: URL, machines: Machines
) -> None:
    machines.letters_are(*(a_letter(offset) for offset in range(40)))
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        form = {"form_token": await browser.form_token()}
        sent = (browser.send(f"/ops/letters/0/{offset}/redrive", form) for offset in range(40))
        assert {answer.status_code for answer in await asyncio.gather(*sent)} == {303}
        assert len(machines.letters.sent) == 40


async def test_what_others_left_is_shown_and_does_not_go_back(shop_database: URL, machines: Machines) -> None:
    theirs = replace(a_letter(1, cause=HOSTILE), topic="", partition=-1, heard=False)
    machines.letters_are(theirs, replace(a_letter(2), topic=HOSTILE, heard=False))
    machines.dead += [a_dead_job("no job of this service")]
    async with open_shop_with(machines, shop_database) as shop, somebody(shop, Role.OPERATOR) as browser:
        letters, jobs = await browser.get("/ops/letters"), await browser.get("/ops/jobs")
        for page in (letters, jobs):
            assert "/redrive" not in page.text
            assert "/retry" not in page.text
        assert letters.text.count(SHOWN) == 2
        assert "it does not say" in words(letters)
        assert words(letters).count("Not ours") == 2
        assert "no job of this service" in words(jobs)
        form = {"form_token": await browser.form_token()}
        path = "/ops/letters/0/1/redrive"
        assert "cannot be put back" in words(await browser.get(path))
        assert (await browser.send(path, form)).status_code == 409
        assert (await browser.get(f"/ops/jobs/{machines.dead[0].id}/retry")).status_code == 404


async def test_deeds_are_told_with_the_orders_that_they_are_about(olga: Browser, order: Document) -> None:
    await olga.send(path_of(order, "screen"), await olga.hidden(path_of(order, "screen")))
    page = await olga.get("/ops/deeds")
    assert f'href="{path_of(order)}">order {UUID(order["id"])}</a>' in page.text
    assert "Screen again" in words(page)
    assert "Screen again" in words(await olga.get("/ops"))
