"""What is ordered, and what is noted beside it, changes over HTTP."""

from typing import Any

import pytest

from tests.http.shop import (
    Document,
    Person,
    Shop,
    a_line,
    document,
    order_path,
    pointers,
    problem,
)

MERGE_PATCH = {"content-type": "application/merge-patch+json"}


async def events_of(person: Person, order: Document) -> list[Document]:
    items: list[Document] = document(await person.get(order_path(order, "events")))["items"]
    return items


def changes(events: list[Document]) -> list[tuple[str, Document]]:
    return [(event["type"], event["change"]) for event in events]


def same_line(order: Document, **said: Any) -> Document:
    """The order's first line, as it is to be sent back, with other values."""
    return a_line(line_id=order["lines"][0]["line_id"], **said)


# Lines


async def test_the_customer_puts_other_lines_in_the_place_of_all(ann: Person, order: Document) -> None:
    lines = [same_line(order, quantity=1), a_line(sku=None, name="Bowl", quantity=2, unit_price="6")]

    answer = await ann.put(order_path(order, "lines"), json={"lines": lines, "total_price": "16.50"})

    assert answer.status_code == 200, answer.text
    edited = document(answer)
    assert answer.headers["etag"] == '"2"'
    assert (edited["version"], edited["total"]) == (2, "16.50")
    assert [(line["name"], line["sku"], line["quantity"], line["total"]) for line in edited["lines"]] == [
        ("Mug", "MUG-1", 1, "4.50"),
        ("Bowl", None, 2, "12.00"),
    ]
    assert edited["lines"][0]["line_id"] == order["lines"][0]["line_id"]
    assert edited["lines"][1]["line_id"] != order["lines"][0]["line_id"]
    assert await ann.read(order) == edited
    assert changes(await events_of(ann, order))[1:] == [("order.edited", {"total": "16.50"})]


async def test_a_line_that_names_none_is_a_new_one(ann: Person, order: Document) -> None:
    edited = document(await ann.put(order_path(order, "lines"), json={"lines": [a_line()]}))
    assert edited["lines"][0]["line_id"] != order["lines"][0]["line_id"]
    assert edited["version"] == 2


async def test_the_same_lines_again_change_nothing(ann: Person, order: Document, shop: Shop) -> None:
    before = await shop.rows()
    answer = await ann.put(order_path(order, "lines"), json={"lines": [same_line(order)]})
    assert (answer.status_code, answer.headers["etag"], document(answer)) == (200, '"1"', order)
    assert await shop.rows() == before


async def test_an_edited_order_is_screened_again(ann: Person, order: Document, shop: Shop) -> None:
    await shop.process(order)
    assert (await ann.read(order))["processing_status"] == "PROCESSED"
    edited = document(await ann.put(order_path(order, "lines"), json={"lines": [same_line(order, quantity=1)]}))
    assert edited["processing_status"] == "QUEUED"


async def test_a_dry_run_says_what_would_come_of_an_edit_and_stores_nothing(
    ann: Person, order: Document, shop: Shop
) -> None:
    before = await shop.rows()

    answer = await ann.put(
        order_path(order, "lines"), json={"lines": [same_line(order, quantity=2)]}, params={"dry_run": True}
    )

    assert answer.status_code == 200, answer.text
    assert (document(answer)["total"], document(answer)["id"]) == ("9.00", order["id"])
    assert await ann.read(order) == order
    assert await shop.rows() == before


async def test_a_dry_run_refuses_what_the_edit_would_be_refused_for(
    ann: Person, operator: Person, order: Document
) -> None:
    path = order_path(order, "lines") + "?dry_run=true"
    wrong = await ann.put(path, json={"lines": [same_line(order)], "total_price": "1"})
    assert problem(wrong, 422, "total-mismatch")["computed"] == "13.50"
    await operator.move(order, "PAID")
    problem(await ann.put(path, json={"lines": [same_line(order)]}), 409, "illegal-transition")


async def test_an_edit_minds_if_match(ann: Person, order: Document, shop: Shop) -> None:
    path, body = order_path(order, "lines"), {"lines": [same_line(order, quantity=1)]}
    before = await shop.rows()
    refused = await ann.put(path, json=body, headers={"If-Match": '"2"'})
    assert problem(refused, 412, "version-mismatch")["current_version"] == 1
    assert await shop.rows() == before
    assert (await ann.put(path, json=body, headers={"If-Match": '"1"'})).status_code == 200
    problem(await ann.put(path, json=body, headers={"If-Match": '"1"'}), 412, "version-mismatch")


async def test_what_was_paid_for_in_part_is_not_edited(ann: Person, operator: Person, order: Document) -> None:
    payment = {"payment_id": "pay-1", "amount": "1"}
    assert (await operator.post(order_path(order, "payments"), json=payment)).status_code == 201
    refused = await ann.put(order_path(order, "lines"), json={"lines": [same_line(order, quantity=1)]})
    assert problem(refused, 409, "already-paid")["captured"] == "1.00"


@pytest.mark.parametrize("status", ["PAID", "CANCELED"])
async def test_what_is_not_pending_any_more_is_not_edited(
    status: str, ann: Person, operator: Person, order: Document
) -> None:
    await operator.move(order, status)
    refused = await ann.put(order_path(order, "lines"), json={"lines": [same_line(order, quantity=1)]})
    assert problem(refused, 409, "illegal-transition")["from"] == status


async def test_lines_that_cannot_be_right_are_named(ann: Person, bob: Person, order: Document, shop: Shop) -> None:
    foreign = await bob.place()
    before = await shop.rows()
    for lines, pointer in (
        ([], "/lines"),
        ([a_line(), a_line(quantity=0)], "/lines/1/quantity"),
        ([a_line(unit_price="1.005")], "/lines/0/unit_price"),
        ([a_line(line_id="1")], "/lines/0/line_id"),
        ([same_line(foreign)], "/lines/0/line_id"),
        ([same_line(order), same_line(order)], "/lines/1/line_id"),
        ([a_line(total="13.50")], "/lines/0"),
    ):
        found = problem(await ann.put(order_path(order, "lines"), json={"lines": lines}), 422, "invalid-request")
        assert pointers(found) == [pointer], lines
    assert await shop.rows() == before


# Notes


async def test_metadata_is_merged_and_null_takes_a_key_away(ann: Person) -> None:
    order = await ann.place(metadata={"channel": "web", "campaign": "spring", "gift": "no"})

    answer = await ann.patch(
        order_path(order),
        content=b'{"metadata": {"campaign": null, "gift": "yes", "note": ""}}',
        headers=MERGE_PATCH,
    )

    assert answer.status_code == 200, answer.text
    amended = document(answer)
    assert amended["metadata"] == {"channel": "web", "gift": "yes", "note": ""}
    assert (answer.headers["etag"], amended["version"]) == ('"2"', 2)
    assert await ann.read(order) == amended
    assert changes(await events_of(ann, order))[1:] == [("order.amended", {"fields": ["metadata"]})]


async def test_an_external_ref_is_set_kept_and_taken_away(ann: Person) -> None:
    order = await ann.place(external_ref="web-1", metadata={"a": "b"})
    path = order_path(order)

    assert document(await ann.patch(path, json={"metadata": {"a": "c"}}))["external_ref"] == "web-1"
    changed = document(await ann.patch(path, json={"external_ref": "web-2"}))
    assert (changed["external_ref"], changed["metadata"]) == ("web-2", {"a": "c"})
    gone = document(await ann.patch(path, json={"external_ref": None}))
    assert (gone["external_ref"], gone["version"]) == (None, 4)
    assert (await ann.place(external_ref="web-2"))["external_ref"] == "web-2"
    problem(await ann.patch(path, json={"external_ref": "web-2"}), 409, "external-ref-taken")
    assert [event["change"].get("fields") for event in (await events_of(ann, order))[1:]] == [
        ["metadata"],
        ["external_ref"],
        ["external_ref"],
    ]


@pytest.mark.parametrize(
    "said",
    [{"metadata": {}}, {"metadata": {"channel": "web"}}, {"metadata": {"unknown": None}}, {"external_ref": "web-1"}],
    ids=str,
)
async def test_an_amendment_that_says_nothing_new_changes_nothing(said: Document, ann: Person, shop: Shop) -> None:
    order = await ann.place(external_ref="web-1", metadata={"channel": "web"})
    before = await shop.rows()
    answer = await ann.patch(order_path(order), json=said)
    assert (answer.status_code, document(answer)) == (200, order)
    assert await shop.rows() == before


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"status": "CANCELED", "metadata": {"a": "b"}}, "/status"),
        ({"status": "CANCELED", "external_ref": None}, "/status"),
        ({}, ""),
        ({"status": None}, "/status"),
        ({"metadata": None}, "/metadata"),
        ({"metadata": {"a": 1}}, "/metadata"),
        ({"metadata": {"": "1"}}, "/metadata"),
        ({"metadata": {"k" * 41: "1"}}, "/metadata"),
        ({"metadata": {f"key{number}": "1" for number in range(51)}}, "/metadata"),
        ({"metadata": {"a\0": "1"}}, "/metadata"),
        ({"external_ref": ""}, "/external_ref"),
        ({"external_ref": "a\nb"}, "/external_ref"),
        ({"number": "K7Q2-9XWD-3F4M"}, ""),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_an_amendment_that_cannot_be_right_is_refused(
    said: Document, pointer: str, ann: Person, order: Document, shop: Shop
) -> None:
    before = await shop.rows()
    found = problem(await ann.patch(order_path(order), json=said), 422, "invalid-request")
    assert pointers(found) == [pointer]
    assert await shop.rows() == before


async def test_an_amendment_minds_if_match(ann: Person, order: Document) -> None:
    refused = await ann.patch(order_path(order), json={"metadata": {"a": "b"}}, headers={"If-Match": '"9"'})
    assert problem(refused, 412, "version-mismatch")["current_version"] == 1


async def test_only_staff_amends_what_is_canceled(ann: Person, operator: Person, order: Document) -> None:
    await ann.move(order, "CANCELED")
    problem(await ann.patch(order_path(order), json={"metadata": {"a": "b"}}), 409, "illegal-transition")
    amended = document(await operator.patch(order_path(order), json={"metadata": {"a": "b"}}))
    assert (amended["status"], amended["metadata"]) == ("CANCELED", {"a": "b"})


# Lines that are called off


async def test_staff_takes_out_what_cannot_be_delivered_and_owes_it_back(
    ann: Person, operator: Person, order: Document
) -> None:
    line_id = order["lines"][0]["line_id"]
    await operator.move(order, "PAID")

    answer = await operator.post(
        order_path(order, "cancellation"),
        json={"reason": "OUT_OF_STOCK", "lines": [{"line_id": line_id, "quantity": 2}]},
    )

    assert answer.status_code == 200, answer.text
    after = document(answer)
    assert (after["status"], after["cancellation"]) == ("PAID", None)
    assert (after["lines"][0]["quantity"], after["lines"][0]["canceled"]) == (3, 2)
    assert (after["total"], after["captured"], after["refund_due"]) == ("13.50", "13.50", "9.00")
    assert await ann.read(order) == after
    assert changes(await events_of(ann, order))[-2:] == [
        ("order.line_canceled", {"line_id": line_id, "quantity": 2, "reason": "OUT_OF_STOCK"}),
        ("order.refund_due", {"amount": "9.00"}),
    ]


async def test_an_order_of_which_the_rest_is_canceled_has_shipped(operator: Person, order: Document) -> None:
    line_id = order["lines"][0]["line_id"]
    await operator.move(order, "PAID")
    some = {"lines": [{"line_id": line_id, "quantity": 1}]}
    await operator.post(order_path(order, "shipments"), json=some)
    rest = {"reason": "OUT_OF_STOCK", "lines": [{"line_id": line_id, "quantity": 2}]}
    after = document(await operator.post(order_path(order, "cancellation"), json=rest))
    assert (after["status"], after["fulfillment_status"], after["refund_due"]) == ("SHIPPED", "SHIPPED", "9.00")


async def test_no_more_is_canceled_than_there_is_and_never_all_of_it(
    operator: Person, order: Document, shop: Shop
) -> None:
    line_id = order["lines"][0]["line_id"]
    before = await shop.rows()

    async def canceling(*quantities: int, **said: Any) -> Any:
        lines = [{"line_id": line_id, "quantity": quantity, **said} for quantity in quantities]
        return await operator.post(order_path(order, "cancellation"), json={"reason": "OTHER", "lines": lines})

    found = problem(await canceling(4), 422, "over-cancellation")
    assert (found["line_id"], found["quantity"], found["left"]) == (line_id, 4, 3)
    problem(await canceling(2, 2), 422)
    assert pointers(problem(await canceling(3), 422, "invalid-request")) == ["/lines"]
    assert pointers(problem(await canceling(), 422, "invalid-request")) == ["/lines"]
    assert pointers(problem(await canceling(0), 422, "invalid-request")) == ["/lines/0/quantity"]
    problem(await canceling(1, line_id=order["id"]), 422, "invalid-request")
    assert await shop.rows() == before


async def test_a_customer_cancels_the_whole_order_or_nothing(ann: Person, order: Document, shop: Shop) -> None:
    before = await shop.rows()
    lines = [{"line_id": order["lines"][0]["line_id"], "quantity": 1}]
    refused = await ann.post(order_path(order, "cancellation"), json={"reason": "OTHER", "lines": lines})
    problem(refused, 403, "not-allowed")
    assert await shop.rows() == before
