"""Lists of orders: page by page, complete and without doubles, whatever is placed meanwhile."""

import base64
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from order_service.domain.actor import Role
from tests.http.shop import ORDERS, Document, Person, Shop, a_line, document, order_path, problem

MANY = 55
LIMIT = 7

Ids = list[str]


@pytest.fixture(scope="module")
async def regular(shop: Shop) -> AsyncIterator[Person]:
    """A customer of many orders."""
    person = await shop.person()
    async with person.client:
        yield person


@pytest.fixture(scope="module")
async def placed(regular: Person) -> Ids:
    """Oldest first. The tests that place more do so for another customer."""
    return [(await regular.place())["id"] for _ in range(MANY)]


def ids(page: Document) -> Ids:
    return [order["id"] for order in page["items"]]


def all_ids(pages: list[Document]) -> Ids:
    return [order_id for page in pages for order_id in ids(page)]


async def pages(person: Person, **asked: str | int) -> list[Document]:
    """All pages, by their next_cursor."""
    found = [document(await person.get(ORDERS, params=asked))]
    while found[-1]["next_cursor"]:
        found.append(document(await person.get(ORDERS, params={**asked, "cursor": found[-1]["next_cursor"]})))
    return found


@pytest.mark.parametrize("sort", ["placed_at", "-placed_at"])
async def test_the_pages_are_complete_and_in_order(sort: str, regular: Person, placed: Ids) -> None:
    found = await pages(regular, sort=sort, limit=LIMIT)

    assert [len(page["items"]) for page in found] == [LIMIT] * 7 + [MANY - 7 * LIMIT]
    assert all_ids(found) == (placed if sort == "placed_at" else placed[::-1])


@pytest.mark.parametrize("sort", ["placed_at", "-placed_at"])
async def test_the_pages_are_linked(sort: str, regular: Person, placed: Ids) -> None:
    path, seen = f"{ORDERS}?sort={sort}&limit={LIMIT}&status=PENDING", []
    while path:
        answer = await regular.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "private, no-store"
        page = document(answer)
        assert page.keys() == {"items", "next_cursor"}
        seen += ids(page)
        if page["next_cursor"] is None:
            assert "link" not in answer.headers
            break
        path = answer.links["next"]["url"]
        asked = dict(parse_qsl(urlsplit(path).query))
        assert asked == {"sort": sort, "limit": str(LIMIT), "status": "PENDING", "cursor": page["next_cursor"]}
    assert seen == (placed if sort == "placed_at" else placed[::-1])


@pytest.mark.parametrize("sort", ["placed_at", "-placed_at"])
async def test_orders_placed_between_pages_are_neither_lost_nor_doubled(sort: str, ann: Person) -> None:
    known = [(await ann.place())["id"] for _ in range(MANY)]
    seen: Ids = []
    between: Ids = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"sort": sort, "limit": str(LIMIT)} | ({"cursor": cursor} if cursor else {})
        page = document(await ann.get(ORDERS, params=asked))
        seen += ids(page)
        cursor = page["next_cursor"]
        if cursor is not None and len(between) < 10:
            between.append((await ann.place())["id"])

    assert seen == (known + between if sort == "placed_at" else known[::-1])


async def test_without_a_limit_there_are_20_newest_first(regular: Person, placed: Ids) -> None:
    page = document(await regular.get(ORDERS))
    assert ids(page) == placed[:-21:-1]


async def test_the_last_page_is_known_to_be_the_last(ann: Person) -> None:
    placed = [(await ann.place())["id"] for _ in range(3)]
    page = document(await ann.get(f"{ORDERS}?limit=3&sort=placed_at"))
    assert (ids(page), page["next_cursor"]) == (placed, None)


async def test_a_page_may_be_larger_than_the_one_before(regular: Person, placed: Ids) -> None:
    first = document(await regular.get(f"{ORDERS}?limit=1&sort=placed_at"))
    rest = document(await regular.get(f"{ORDERS}?limit=100&sort=placed_at&cursor={first['next_cursor']}"))
    assert ids(first) + ids(rest) == placed


async def test_the_same_cursor_gives_the_same_page(regular: Person, placed: Ids) -> None:
    cursor = document(await regular.get(f"{ORDERS}?limit=5"))["next_cursor"]
    one, two = [await regular.get(f"{ORDERS}?limit=5&cursor={cursor}") for _ in range(2)]
    assert one.content == two.content
    assert ids(document(one)) == placed[-6:-11:-1]


async def test_a_customer_without_orders_gets_an_empty_list(ann: Person) -> None:
    answer = await ann.get(ORDERS)
    assert answer.content == b'{"items":[],"next_cursor":null}'
    assert "link" not in answer.headers


async def test_orders_are_listed_by_status(ann: Person, operator: Person) -> None:
    pending, canceled, paid, shipped, delivered = [await ann.place() for _ in range(5)]
    await operator.move(canceled, "CANCELED")
    await operator.move(paid, "PAID")
    await operator.move(shipped, "PAID", "SHIPPED")
    await operator.move(delivered, "PAID", "SHIPPED", "DELIVERED")

    for status, order in {
        "PENDING": pending,
        "CANCELED": canceled,
        "PAID": paid,
        "SHIPPED": shipped,
        "DELIVERED": delivered,
    }.items():
        assert ids(document(await ann.get(ORDERS, params={"status": status}))) == [order["id"]]
        for_staff = {"status": status, "customer_id": str(ann.id)}
        assert ids(document(await operator.get(ORDERS, params=for_staff))) == [order["id"]]


async def test_an_order_that_moves_on_leaves_the_pages_of_its_status(ann: Person, operator: Person) -> None:
    orders = [await ann.place() for _ in range(6)]
    asked = {"status": "PENDING", "sort": "placed_at", "limit": "2"}
    first = document(await ann.get(ORDERS, params=asked))
    await operator.move(orders[1], "PAID")
    await operator.move(orders[3], "PAID")
    second = document(await ann.get(ORDERS, params={**asked, "cursor": first["next_cursor"]}))
    assert ids(first) + ids(second) == [orders[i]["id"] for i in (0, 1, 2, 4)]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
async def test_staff_lists_the_orders_of_all_and_of_one(role: Role, shop: Shop, ann: Person, bob: Person) -> None:
    anns, bobs = await ann.place(), await bob.place()
    staff = await shop.person(role)

    assert ids(document(await staff.get(ORDERS, params={"limit": 2}))) == [bobs["id"], anns["id"]]
    assert ids(document(await staff.get(ORDERS, params={"customer_id": str(ann.id)}))) == [anns["id"]]
    assert ids(document(await staff.get(ORDERS, params={"customer_id": str(staff.id)}))) == []


async def test_staff_pages_through_one_customers_orders(operator: Person, regular: Person, placed: Ids) -> None:
    found = await pages(operator, customer_id=str(regular.id), limit=LIMIT, sort="placed_at")
    assert all_ids(found) == placed


async def test_a_customer_sees_only_their_own_whatever_they_ask(ann: Person, bob: Person) -> None:
    anns = [(await ann.place())["id"] for _ in range(3)]
    await bob.place()

    for asked in ({}, {"customer_id": str(bob.id)}, {"customer_id": str(ann.id)}):
        found = await pages(ann, limit=2, sort="placed_at", **asked)
        assert all_ids(found) == anns


# Cursors that are none


@pytest.fixture
async def cursor(regular: Person, placed: Ids) -> str:  # noqa: ARG001 - the orders that the pages are of
    cursor: str = document(await regular.get(f"{ORDERS}?limit=5"))["next_cursor"]
    return cursor


async def is_refused(person: Person, cursor: str, **asked: str) -> bool:
    return bool(problem(await person.get(ORDERS, params={"cursor": cursor, **asked}), 400, "bad-cursor"))


async def test_a_cursor_with_one_bit_changed_is_refused(regular: Person, cursor: str) -> None:
    signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place in range(len(signed)):
        forged = bytearray(signed)
        forged[place] ^= 1
        assert await is_refused(regular, base64.urlsafe_b64encode(forged).rstrip(b"=").decode())


async def test_a_cursor_that_was_cut_is_refused(regular: Person, cursor: str) -> None:
    for length in range(1, len(cursor), 7):
        assert await is_refused(regular, cursor[:length])
        assert await is_refused(regular, cursor[length:])


async def test_a_cursor_with_something_behind_it_is_refused(regular: Person, cursor: str) -> None:
    for more in ("A", "AAAA", "\n", "\0", " ", ";"):
        assert await is_refused(regular, cursor + more)


async def test_another_customers_cursor_is_refused(ann: Person, cursor: str) -> None:
    assert await is_refused(ann, cursor)


async def test_a_customers_cursor_is_refused_for_staff(operator: Person, regular: Person, cursor: str) -> None:
    assert await is_refused(operator, cursor)
    assert await is_refused(operator, cursor, customer_id=str(regular.id))


async def test_a_cursor_is_refused_for_another_list(regular: Person, cursor: str) -> None:
    assert await is_refused(regular, cursor, status="PENDING")
    assert await is_refused(regular, cursor, sort="placed_at")
    assert await is_refused(regular, cursor, customer_id=str(regular.id))


async def test_staffs_cursor_is_refused_for_another_customers_list(
    operator: Person, regular: Person, placed: Ids, ann: Person
) -> None:
    mine = document(await operator.get(ORDERS, params={"customer_id": str(regular.id), "limit": 5}))["next_cursor"]
    assert len(placed) > 5
    assert await is_refused(operator, mine, customer_id=str(ann.id))
    assert await is_refused(operator, mine)


# Filters


async def found_by(person: Person, asked: str) -> Ids:
    answer = await person.get(f"{ORDERS}?sort=placed_at&{asked}")
    assert answer.status_code == 200, answer.text
    return ids(document(answer))


async def test_orders_are_found_by_what_is_said_of_them(ann: Person, operator: Person) -> None:
    mugs = await ann.place(external_ref="web-1", metadata={"channel": "web", "gift wrap": "yes & no"})
    bowl = await ann.place(lines=[a_line(sku="BOWL", quantity=1, unit_price="100")], metadata={"channel": "web"})
    yen = await ann.place(currency="JPY", lines=[a_line(sku="MUG-1", quantity=1, unit_price="100")])
    await operator.move(bowl, "PAID", "SHIPPED")
    await operator.post(order_path(bowl, "returns"), json={})
    every = [mugs, bowl, yen]

    for asked, expected in {
        "status=SHIPPED": [bowl],
        "processing_status=QUEUED": every,
        "payment_status=UNPAID": [mugs, yen],
        "fulfillment_status=SHIPPED": [bowl],
        "return_status=REQUESTED": [bowl],
        f"placed_from={bowl['placed_at']}": [bowl, yen],
        f"placed_to={bowl['placed_at']}": [mugs, bowl],
        f"placed_from={bowl['placed_at']}&placed_to={bowl['placed_at']}": [bowl],
        "placed_from=2000-01-01T00:00:00%2B05:30": every,
        "placed_to=2000-01-01T00:00:00Z": [],
        "placed_to=0001-01-01T00:03:00%2B01:01": [],
        "placed_from=0001-01-01T00:03:00%2B01:01": every,
        "placed_to=9999-12-31T23:59:00-01:00": every,
        "total_min=13.50": every,
        "total_min=13.51": [bowl, yen],
        "total_max=13.5": [mugs],
        "total_min=100&total_max=100.000": [bowl, yen],
        "sku=MUG-1": [mugs, yen],
        "sku=mug-1": [],
        "external_ref=web-1": [mugs],
        f"number={mugs['number']}": [mugs],
        f"number={mugs['number'].replace('-', '').lower()}": [mugs],
        "number=0000": [],
        "metadata[channel]=web": [mugs, bowl],
        "metadata%5Bchannel%5D=web": [mugs, bowl],
        "metadata[channel]=web&metadata[gift%20wrap]=yes%20%26%20no": [mugs],
        "metadata[channel]=": [],
        "metadata[no such]=web": [],
        "metadata[channel]=web&sku=BOWL&status=SHIPPED&total_min=1": [bowl],
        "metadata[channel]=web&sku=BOWL&status=PENDING": [],
    }.items():
        assert await found_by(ann, asked) == [order["id"] for order in expected], asked
        assert await found_by(operator, f"{asked}&customer_id={ann.id}") == [order["id"] for order in expected], asked


@pytest.mark.parametrize(
    "asked",
    [
        "stauts=PENDING",
        "Status=PENDING",
        "metadata=web",
        "metadata[]=web",
        "metadata[a=b",
        f"metadata[{'k' * 41}]=web",
        "offset=20",
        "by=1",
        "request=1",
        "list_orders=1",
        "cursors=1",
        "%00=1",
        "=1",
    ],
)
async def test_a_parameter_that_there_is_not_is_refused(asked: str, ann: Person) -> None:
    found = problem(await ann.get(f"{ORDERS}?{asked}"), 400, "malformed-request")
    assert "parameter" in found["detail"]


@pytest.mark.parametrize(
    "asked",
    [
        "status=pending",
        "processing_status=DONE",
        "payment_status=1",
        "fulfillment_status=",
        "return_status=RETURN",
        "placed_from=yesterday",
        "placed_from=2026-03-02T12:00:00",
        "placed_to=2026-03-02T12:00:00",
        "placed_to=2026-03-02",
        "placed_from=10000-01-01T00:00:00Z",
        "total_min=-1",
        "total_min=1e3",
        "total_max=1.00001",
        "total_max=NaN",
        "total_max=1%00",
        "customer_id=ann",
        "sort=total",
    ],
)
async def test_a_filter_that_cannot_be_is_refused(asked: str, ann: Person) -> None:
    problem(await ann.get(f"{ORDERS}?{asked}"), 400, "malformed-request")


@pytest.mark.parametrize("sent", ["%00", "a%00b", "%0a", "%7f", "%C2%85"])
@pytest.mark.parametrize("name", ["sku", "number", "external_ref", "metadata[a]"])
async def test_no_order_has_a_control_character(name: str, sent: str, ann: Person) -> None:
    found = problem(await ann.get(f"{ORDERS}?{name}={sent}"), 422, "invalid-request")
    assert found["errors"]


@pytest.mark.parametrize("sent", ["%ff", "%c0%80", "%ed%a0%80", "%F0%9F%AB%96", "'", '"', "%25", "{}", "\\"])
@pytest.mark.parametrize("name", ["sku", "number", "external_ref", "metadata[a]"])
async def test_a_strange_text_finds_nothing(name: str, sent: str, ann: Person, order: Document) -> None:
    assert order["id"] not in await found_by(ann, f"{name}={sent}")


async def test_too_long_a_text_is_refused(ann: Person) -> None:
    for name, most in {"sku": 64, "number": 20, "external_ref": 100, "metadata[a]": 500}.items():
        assert await found_by(ann, f"{name}={'x' * most}") == []
        problem(await ann.get(f"{ORDERS}?{name}={'x' * (most + 1)}"), 422, "invalid-request")
    many = "&".join(f"metadata[{number}]=x" for number in range(51))
    problem(await ann.get(f"{ORDERS}?{many}"), 422, "invalid-request")


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z"])
async def test_the_ends_of_time_do_no_harm(end: str, ann: Person) -> None:
    for name in ("placed_from", "placed_to"):
        assert (await ann.get(f"{ORDERS}?{name}={end}")).status_code == 200


async def test_the_link_leads_on_with_the_same_filter(ann: Person) -> None:
    placed = [
        (await ann.place(metadata={"channel": "web", "note": "a&b=c"} if number % 2 else {}))["id"]
        for number in range(10)
    ]
    asked = {
        "metadata[channel]": "web",
        "metadata[note]": "a&b=c",
        "sku": "MUG-1",
        "total_max": "13.5",
        "placed_from": "2000-01-01T00:00:00+05:30",
        "sort": "placed_at",
        "limit": "2",
    }
    answer, seen = await ann.get(ORDERS, params=asked), []
    while True:
        seen += ids(document(answer))
        if "next" not in answer.links:
            break
        link = answer.links["next"]["url"]
        assert dict(parse_qsl(urlsplit(link).query)) == {**asked, "cursor": document(answer)["next_cursor"]}
        answer = await ann.get(link)
    assert seen == placed[1::2]


async def test_a_cursor_is_refused_for_another_filter(ann: Person) -> None:
    for _ in range(3):
        await ann.place(metadata={"channel": "web"}, lines=[a_line()])
    asked = {"metadata[channel]": "web", "sku": "MUG-1", "limit": "1"}
    cursor = document(await ann.get(ORDERS, params=asked))["next_cursor"]
    assert (await ann.get(ORDERS, params={**asked, "cursor": cursor})).status_code == 200
    for other in (
        {"metadata[channel]": "shop"},
        {"metadata[gift]": "yes"},
        {"sku": "BOWL"},
        {"total_min": "1"},
        {"total_max": "100"},
        {"placed_from": "2000-01-01T00:00:00Z"},
        {"placed_to": "2999-01-01T00:00:00Z"},
        {"number": "K7Q2-9XWD-3F4M"},
        {"external_ref": "web-1"},
        {"status": "PENDING"},
        {"processing_status": "QUEUED"},
        {"payment_status": "UNPAID"},
        {"fulfillment_status": "UNFULFILLED"},
        {"return_status": "NONE"},
        {"sort": "placed_at"},
    ):
        refused = await ann.get(ORDERS, params={**asked, **other, "cursor": cursor})
        problem(refused, 400, "bad-cursor")
    problem(await ann.get(ORDERS, params={"cursor": cursor}), 400, "bad-cursor")
