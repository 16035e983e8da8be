"""Lists of orders: page by page, complete and without doubles, whatever is placed meanwhile."""

import base64
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from order_service.domain.actor import Role
from tests.http.shop import ORDERS, Document, Person, Shop, document, problem

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
