"""Events: an order's history, the same while it happens, and the whole log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import msgspec
import pytest

from adapters.persistence.sessions import SqlEndedSessions
from order_service.domain.actor import Role, Scope
from order_service.ports import EndedSessions
from order_service.use_cases.create_service import CreateService
from order_service.use_cases.remove_service import RemoveService
from tests.builders import as_told
from tests.http.served import PATIENCE_SECONDS, Served
from tests.http.shop import ORDERS, TOKEN, Document, Person, document, order_path, problem

LOG = "/api/v1/events"


async def history(person: Person, order: Document, **asked: Any) -> Document:
    return document(await person.get(order_path(order, "events"), params=asked))


def seqs(page: Document) -> list[int]:
    return [event["seq"] for event in page["items"]]


# The history of one order


async def test_the_history_tells_who_did_what_in_order(ann: Person, operator: Person, order: Document) -> None:
    await operator.move(order, "PAID", "SHIPPED", "DELIVERED")

    page = await history(ann, order)

    assert page["next_cursor"] is None
    assert seqs(page) == list(range(1, len(page["items"]) + 1))
    assert [event["type"] for event in page["items"]] == [
        "order.placed",
        "order.payment_recorded",
        "order.paid",
        "order.shipment_dispatched",
        "order.shipped",
        "order.shipment_delivered",
        "order.delivered",
    ]
    assert [event["actor"] for event in page["items"][:2]] == [
        {"kind": "customer", "id": str(ann.id)},
        {"kind": "operator", "id": str(operator.id)},
    ]


async def test_the_history_is_read_page_by_page(ann: Person, operator: Person, order: Document) -> None:
    await operator.move(order, "PAID", "SHIPPED")
    path, seen = order_path(order, "events") + "?limit=2", []
    while True:
        answer = await ann.get(path)
        seen += seqs(document(answer))
        if "next" not in answer.links:
            break
        path = answer.links["next"]["url"]
        assert dict(parse_qsl(urlsplit(path).query)) == {"limit": "2", "after": document(answer)["next_cursor"]}
    assert seen == [1, 2, 3, 4, 5]


# The whole log


@pytest.fixture
async def behind_all(admin: Person) -> str:
    """Where the log ends now."""
    page: Document = {"is_last": False}
    while not page["is_last"]:
        page = await log(admin, **({"after": page["next_cursor"]} if "next_cursor" in page else {}))
    end: str = page["next_cursor"]
    return end


async def log(person: Person, **asked: Any) -> Document:
    answer = await person.get(LOG, params=asked)
    assert answer.status_code == 200, answer.text
    return document(answer)


async def rest_of_log(person: Person, after: str, until: int, **asked: Any) -> list[Document]:
    """All that is behind `after`, page by page, `until` there are so many: what is committed settles in a moment."""
    found: list[Document] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            page = await log(person, after=after, **asked)
            found += page["items"]
            after = page["next_cursor"]
            if page["is_last"] and len(found) >= until:
                return found


async def test_an_admin_reads_the_log_page_by_page_and_goes_on_later(
    admin: Person, operator: Person, ann: Person, behind_all: str
) -> None:
    one, two = await ann.place(), await ann.place()
    await operator.move(one, "PAID")

    found = await rest_of_log(admin, behind_all, 4, limit=2)

    assert [(event["order_id"], event["seq"], event["type"]) for event in found] == [
        (one["id"], 1, "order.placed"),
        (two["id"], 1, "order.placed"),
        (one["id"], 2, "order.payment_recorded"),
        (one["id"], 3, "order.paid"),
    ]
    assert len({event["id"] for event in found}) == 4


async def test_a_logged_event_is_what_kafka_gets(admin: Person, ann: Person, behind_all: str) -> None:
    order = await ann.place()
    [event] = await rest_of_log(admin, behind_all, 1)
    [entry] = (await history(ann, order))["items"]
    assert event.keys() == {"id", "type", "order_id", "seq", "occurred_at", "data"}
    assert (event["id"], event["occurred_at"]) == (entry["id"], entry["occurred_at"])
    assert event["data"] == {
        "order": as_told(msgspec.json.encode(order)),
        "change": {"total": "13.50", "currency": "EUR"},
        "seq": 1,
        "actor": {"kind": "customer", "id": str(ann.id)},
    }


async def test_the_end_of_the_log_is_a_place_to_ask_from_again(admin: Person, ann: Person, behind_all: str) -> None:
    for _ in range(2):
        page = await log(admin, after=behind_all)
        assert (page["items"], page["is_last"]) == ([], True)
    order = await ann.place()
    [event] = await rest_of_log(admin, page["next_cursor"], 1)
    assert event["order_id"] == order["id"]


async def test_the_log_is_read_from_the_beginning_and_linked(admin: Person, ann: Person) -> None:
    await ann.place()
    answer = await admin.get(LOG, params={"limit": 1})
    first = document(answer)
    assert (len(first["items"]), first["is_last"]) == (1, False)
    linked = document(await admin.get(answer.links["next"]["url"]))
    assert linked["items"] != first["items"]
    assert linked == await log(admin, limit=1, after=first["next_cursor"])


async def test_the_log_may_be_of_some_types_only(
    admin: Person, operator: Person, ann: Person, behind_all: str
) -> None:
    order, canceled = await ann.place(), await ann.place()
    await operator.move(order, "PAID", "SHIPPED")
    await operator.move(canceled, "CANCELED")

    for types, expected in (
        ("order.paid", ["order.paid"]),
        ("order.paid,order.canceled", ["order.paid", "order.canceled"]),
        (" order.canceled , order.paid, ", ["order.paid", "order.canceled"]),
    ):
        for limit in (1, 100):
            found = await rest_of_log(admin, behind_all, len(expected), types=types, limit=limit)
            assert [event["type"] for event in found] == expected
    assert (await log(admin, after=behind_all, types="order.no_such"))["items"] == []


async def test_only_an_admin_reads_the_log(ann: Person, operator: Person, anybody: httpx.AsyncClient) -> None:
    for person in (ann, operator):
        problem(await person.get(LOG), 403, "not-allowed")
    problem(await anybody.get(LOG), 401, "not-authenticated")


async def test_a_cursor_that_was_not_made_for_the_log_is_refused(admin: Person, ann: Person, behind_all: str) -> None:
    for _ in range(2):
        await ann.place()
    of_orders = document(await admin.get(ORDERS, params={"limit": 1}))["next_cursor"]
    assert of_orders
    flipped = ("B" if behind_all[0] == "A" else "A") + behind_all[1:]
    for forged in (of_orders, flipped, behind_all[:-4], behind_all + "AAAA", "1", "0", "", "\0", "é"):
        problem(await admin.get(LOG, params={"after": forged}), 400, "bad-cursor")
    problem(await admin.get(ORDERS, params={"cursor": behind_all}), 400, "bad-cursor")


async def test_a_page_of_the_log_that_cannot_be_is_refused(admin: Person) -> None:
    for asked in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"after": "a" * 501}, {"types": "a" * 501}):
        problem(await admin.get(LOG, params=asked), 400, "malformed-request")


# The stream


@dataclass(slots=True)
class Heard:
    """Somebody who listens to a stream."""

    answer: httpx.Response
    lines: AsyncIterator[str]

    async def next(self) -> Document:
        """The next event: its id, its name and its entry."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            said: Document = {}
            async for line in self.lines:
                name, _, value = line.partition(": ")
                if line and name:
                    said[name] = value
                elif "data" in said:
                    return {**said, "data": msgspec.json.decode(said["data"])}
        raise AssertionError("The stream ended.")

    async def seqs(self, count: int) -> list[int]:
        return [int((await self.next())["id"]) for _ in range(count)]


@asynccontextmanager
async def listening(person: Person, order: Document, **said: Any) -> AsyncIterator[Heard]:
    async with person.client.stream("GET", order_path(order, "events", "stream"), **said) as answer:
        assert answer.status_code == 200
        yield Heard(answer, answer.aiter_lines())


@pytest.fixture
async def oscar(served: Served) -> AsyncIterator[Person]:
    """Of the staff, without a socket: dave's shop is asked directly."""
    person = await served.shop.person(Role.OPERATOR)
    async with person.client:
        yield person


async def test_a_stream_tells_the_history_and_then_what_happens(dave: Person, oscar: Person) -> None:
    order = await dave.place()
    await oscar.move(order, "PAID")
    async with listening(dave, order) as heard:
        assert heard.answer.headers["content-type"].split(";")[0] == "text/event-stream"
        assert heard.answer.headers["cache-control"] == "private, no-store"
        told = [await heard.next() for _ in range(3)]
        await oscar.move(order, "SHIPPED")
        told += [await heard.next() for _ in range(2)]
        await dave.post(order_path(order, "returns"), json={})
        told.append(await heard.next())

    items = (await history(dave, order))["items"]
    assert [event["data"] for event in told] == items
    assert [event["id"] for event in told] == [str(item["seq"]) for item in items]
    assert [event["event"] for event in told] == [item["type"] for item in items]


async def test_a_stream_goes_on_where_it_broke_off(dave: Person, oscar: Person) -> None:
    order = await dave.place()
    async with listening(dave, order) as heard:
        last = (await heard.next())["id"]
    await oscar.move(order, "PAID")
    async with listening(dave, order, headers={"Last-Event-ID": last}) as heard:
        assert await heard.seqs(2) == [2, 3]
        await oscar.move(order, "CANCELED")
        assert await heard.seqs(1) == [4]


async def test_last_event_id_is_worth_more_than_after(dave: Person, oscar: Person) -> None:
    order = await dave.place()
    await oscar.move(order, "PAID")
    async with listening(dave, order, params={"after": 2}) as heard:
        assert await heard.seqs(1) == [3]
    async with listening(dave, order, params={"after": 2}, headers={"Last-Event-ID": "1"}) as heard:
        assert await heard.seqs(2) == [2, 3]


async def test_everybody_who_listens_hears_everything_once(dave: Person, oscar: Person) -> None:
    order = await dave.place()
    async with (
        listening(dave, order) as one,
        listening(dave, order) as two,
        listening(dave, order, params={"after": 1}) as late,
    ):
        await asyncio.gather(*[oscar.patch(order_path(order), json={"metadata": {"n": str(n)}}) for n in range(9)])
        version = (await dave.read(order))["version"]
        for heard, first in ((one, 1), (two, 1), (late, 2)):
            assert await heard.seqs(version - first + 1) == list(range(first, version + 1))


async def test_a_stream_does_not_tell_of_other_orders(dave: Person, oscar: Person) -> None:
    order, other = await dave.place(), await dave.place()
    async with listening(dave, order) as heard:
        await heard.next()
        await oscar.move(other, "PAID")
        await oscar.move(order, "PAID")
        assert [(await heard.next())["event"] for _ in range(2)] == ["order.payment_recorded", "order.paid"]


async def test_a_stream_tells_nothing_any_more_once_what_its_token_came_from_has_ended(
    served: Served, dave: Person, oscar: Person
) -> None:
    order, container = await dave.place(), served.shop.container
    system = await (await container.get(CreateService))(f"listener {uuid4().hex}", {Scope.ORDERS_READ})
    secret = {"client_id": str(system.service.id), "client_secret": system.secret}
    async with served.shop.client() as anybody:
        tokens = document(await anybody.post(TOKEN, data={"grant_type": "client_credentials", **secret}))
    async with listening(dave, order, headers={"Authorization": f"Bearer {tokens['access_token']}"}) as heard:
        await heard.next()
        await (await container.get(RemoveService))(system.service.name)
        ended = await container.get(EndedSessions)
        assert isinstance(ended, SqlEndedSessions)
        await ended.look()
        await oscar.move(order, "PAID")
        with pytest.raises(AssertionError, match="The stream ended"):
            await heard.next()


async def test_who_stops_listening_leaves_nothing_behind(served: Served, dave: Person) -> None:
    order = await dave.place()
    async with listening(dave, order) as heard:
        await heard.next()
        served.ended.clear()
    await asyncio.wait_for(served.ended.wait(), PATIENCE_SECONDS)
    assert (await dave.read(order))["version"] == 1


async def test_another_customers_order_has_no_stream(ann: Person, bob: Person, order: Document) -> None:
    problem(await bob.get(order_path(order, "events", "stream")), 404, "order-not-found")
    problem(await ann.get(order_path({"id": "1"}, "events", "stream")), 404, "not-found")


@pytest.mark.parametrize("sent", ["", "x", "-1", "1.5", "1 2", "9" * 30, "\u0661", "1\0"])
async def test_a_last_event_id_that_is_none_is_refused(sent: str, ann: Person, order: Document) -> None:
    answer = await ann.get(order_path(order, "events", "stream"), headers={"Last-Event-ID": sent.encode()})
    problem(answer, 400, "malformed-request")


async def test_a_stream_after_what_is_no_seq_is_refused(ann: Person, order: Document) -> None:
    for after in ("-1", "x", "2147483648", "9" * 30):
        answer = await ann.get(order_path(order, "events", "stream"), params={"after": after})
        problem(answer, 400, "malformed-request")
