"""An order by what people call it: its number."""

from collections.abc import Callable

import pytest

from tests.http.shop import ORDERS, Document, Person, Shop, document, problem

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.mark.parametrize(
    "written",
    [
        lambda number: number,
        str.lower,
        lambda number: number.replace("-", ""),
        lambda number: number.replace("-", "").lower(),
        lambda number: number.replace("-", " "),
        lambda number: number.replace("0", "O").replace("1", "l"),
        lambda number: f" {number} ",
    ],
    ids=["as it is", "small", "without hyphens", "small and without", "with spaces", "look-alikes", "spaces around"],
)
async def test_an_order_is_read_by_its_number_as_people_write_it(
    written: Callable[[str], str], ann: Person, order: Document
) -> None:
    answer = await ann.get(f"{ORDERS}/{written(order['number'])}")
    assert (answer.status_code, document(answer)) == (200, order)
    assert answer.headers["etag"] == '"1"'


async def test_an_order_is_changed_by_its_number(ann: Person, order: Document) -> None:
    answer = await ann.patch(f"{ORDERS}/{order['number']}", json={"metadata": {"a": "b"}})
    assert (answer.status_code, document(answer)["id"]) == (200, order["id"])
    known = await ann.get(f"{ORDERS}/{order['number'].lower()}", headers={"If-None-Match": '"2"'})
    assert known.status_code == 304


async def test_a_number_with_any_one_symbol_wrong_is_not_found(ann: Person, order: Document) -> None:
    digits = order["number"].replace("-", "")
    for place in range(12):
        wrong = SYMBOLS[(SYMBOLS.index(digits[place]) + 1) % 32]
        answer = await ann.get(f"{ORDERS}/{digits[:place]}{wrong}{digits[place + 1 :]}")
        problem(answer, 404, "order-not-found")


@pytest.mark.parametrize("number", ["1", "K7Q2-9XWD", "K7Q2-9XWD-3F4M-K7Q2", "----", "K7Q2-9XWD-3F4U", "İ" * 12])
async def test_what_cannot_be_a_number_is_not_found(number: str, ann: Person) -> None:
    problem(await ann.get(f"{ORDERS}/{number}"), 404, "order-not-found")


async def test_another_customers_number_is_answered_like_one_that_is_absent(
    ann: Person, bob: Person, order: Document, shop: Shop
) -> None:
    before = await shop.rows()
    for method, body in (("GET", None), ("PATCH", {"metadata": {"a": "b"}}), ("PATCH", {"status": "CANCELED"})):
        foreign = problem(await bob.ask(method, f"{ORDERS}/{order['number']}", json=body), 404, "order-not-found")
        absent = problem(await bob.ask(method, f"{ORDERS}/0000-0000-0000", json=body), 404, "order-not-found")
        for differs in ("request_id", "instance"):
            del foreign[differs], absent[differs]
        assert foreign == absent
    assert await shop.rows() == before
    assert (await ann.get(f"{ORDERS}/{order['number']}")).status_code == 200


async def test_staff_reads_any_order_by_its_number(operator: Person, order: Document) -> None:
    assert document(await operator.get(f"{ORDERS}/{order['number']}")) == order
