"""Many requests in one: each as if it were sent alone, or all together or none."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.shop import ORDERS, Document, Person, Shop, document, order_body, order_path, problem

BATCH = f"{ORDERS}/batch"


def place(**said: Any) -> Document:
    return {"op": "place", **order_body(**said)}


def change(order: Document, to: str, **said: Any) -> Document:
    return {"op": "change_status", "order_id": order["id"], "status": to, **said}


def amend(order: Document, **said: Any) -> Document:
    return {"op": "amend", "order_id": order["id"], **said}


def cancel(order: Document, **said: Any) -> Document:
    return {"op": "cancel", "order_id": order["id"], "reason": "OTHER", **said}


async def send(person: Person, *items: Document, mode: str = "independent", key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await person.post(BATCH, json={"mode": mode, "items": items}, headers=headers)


def results(answer: httpx.Response) -> list[Document]:
    assert answer.status_code == 200, answer.text
    found: list[Document] = document(answer)["results"]
    return found


def statuses(answer: httpx.Response) -> list[int]:
    return [result["status"] for result in results(answer)]


every_mode = pytest.mark.parametrize("mode", ["independent", "atomic"])


@every_mode
async def test_each_item_is_answered_as_if_it_were_sent_alone(mode: str, ann: Person, order: Document) -> None:
    other = await ann.place()
    answer = await send(ann, place(), amend(order, metadata={"gift": "yes"}), cancel(other), mode=mode)
    placed, amended, canceled = results(answer)
    assert statuses(answer) == [201, 200, 200]
    assert placed["order"] == await ann.read(placed["order"])
    assert amended["order"]["metadata"]["gift"] == "yes"
    assert (canceled["order"]["id"], canceled["order"]["status"]) == (other["id"], "CANCELED")


async def test_what_fails_in_an_independent_batch_fails_alone(ann: Person, bob: Person, order: Document) -> None:
    bobs = await bob.place()
    answer = await send(ann, change(order, "PAID"), cancel(bobs), place(currency="ZZZ"), place(), cancel(order))
    assert statuses(answer) == [403, 404, 422, 201, 200]
    refused = results(answer)[1]["problem"]
    assert (refused["type"], refused["instance"]) == ("/problems/order-not-found", BATCH)
    assert (await bob.read(bobs))["status"] == "PENDING"


async def test_an_atomic_batch_in_which_one_item_fails_leaves_nothing_behind(
    shop: Shop, ann: Person, bob: Person, order: Document
) -> None:
    bobs, before = await bob.place(), await shop.rows()
    answer = await send(ann, place(), amend(order, metadata={"a": "b"}), cancel(bobs), cancel(order), mode="atomic")
    assert statuses(answer) == [424, 424, 404, 424]
    aborted = results(answer)[0]["problem"]
    assert (aborted["type"], aborted["failed_item"]) == ("/problems/batch-aborted", 2)
    assert await ann.read(order) == order
    after = await shop.rows()
    assert (after["orders"], after["order_events"]) == (before["orders"], before["order_events"])


async def test_a_constraint_that_breaks_in_an_atomic_batch_is_its_items_fault(ann: Person) -> None:
    ref = uuid4().hex
    answer = await send(ann, place(), place(external_ref=ref), place(external_ref=ref), mode="atomic")
    assert statuses(answer) == [424, 424, 409]
    assert results(answer)[2]["problem"]["type"] == "/problems/external-ref-taken"


async def test_items_of_an_atomic_batch_see_what_those_before_them_did(
    operator: Person, ann: Person, order: Document
) -> None:
    answer = await send(
        operator, change(order, "PAID"), change(order, "SHIPPED"), change(order, "DELIVERED"), mode="atomic"
    )
    assert [result["order"]["status"] for result in results(answer)] == ["PAID", "SHIPPED", "DELIVERED"]
    assert (await ann.read(order))["status"] == "DELIVERED"
    history = document(await ann.get(f"{order_path(order)}/events"))["items"]
    assert [event["seq"] for event in history] == list(range(1, len(history) + 1))


@every_mode
async def test_an_item_for_another_version_is_refused(mode: str, ann: Person, order: Document) -> None:
    answer = await send(ann, amend(order, metadata={"a": "b"}, version=order["version"] + 1), mode=mode)
    assert statuses(answer) == [412]
    assert results(answer)[0]["problem"]["current_version"] == order["version"]


@every_mode
async def test_a_batch_that_comes_again_has_no_second_effect_and_the_same_answer(
    mode: str, shop: Shop, ann: Person, order: Document
) -> None:
    key, items = uuid4().hex, [place(), place(), amend(order, metadata={"a": "b"})]
    first = await send(ann, *items, mode=mode, key=key)
    before = await shop.rows()
    again = await send(ann, *items, mode=mode, key=key)
    assert again.content == first.content
    assert statuses(again) == [201, 201, 200]
    assert await shop.rows() == before


async def test_copies_of_an_atomic_batch_at_once_take_effect_once(ann: Person, order: Document) -> None:
    key, items = uuid4().hex, [place(), amend(order, metadata={"a": "b"}), place()]
    answers = await asyncio.gather(*(send(ann, *items, mode="atomic", key=key) for _ in range(10)))
    assert len({answer.content for answer in answers}) == 1, [answer.text[:200] for answer in answers]
    assert len(document(await ann.get(ORDERS))["items"]) == 3


async def test_the_key_of_a_batch_is_refused_for_another_batch(ann: Person) -> None:
    key = uuid4().hex
    await send(ann, place(), mode="atomic", key=key)
    problem(await send(ann, place(currency="USD"), key=key), 422, "idempotency-key-reused")
    problem(await send(ann, place(currency="USD"), mode="atomic", key=key), 422, "idempotency-key-reused")
    problem(await send(ann, place(), place(), mode="atomic", key=key), 422, "idempotency-key-reused")


async def test_batches_that_change_the_same_orders_the_other_way_round_all_succeed(
    ann: Person, order: Document
) -> None:
    orders = [order, *[await ann.place() for _ in range(4)]]

    async def touch(number: int) -> list[int]:
        some = orders if number % 2 else orders[::-1]
        return statuses(await send(ann, *(amend(one, metadata={f"n{number}": "x"}) for one in some), mode="atomic"))

    assert await asyncio.gather(*(touch(number) for number in range(12))) == [[200] * 5] * 12
    for one in orders:
        assert len((await ann.read(one))["metadata"].keys() & {f"n{number}" for number in range(12)}) == 12


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"mode": "atomic", "items": []}, 422),
        ({"mode": "perhaps", "items": [place()]}, 422),
        ({"items": [place()]}, 422),
        ({"mode": "atomic", "items": [{"op": "delete", "order_id": str(uuid4())}]}, 422),
        ({"mode": "atomic", "items": [{**place(), "status": "PAID"}]}, 422),
        ({"mode": "atomic", "items": [{"op": "amend", "order_id": str(uuid4())}]}, 422),
        ({"mode": "independent", "items": [place()] * 101}, 413),
    ],
)
async def test_a_batch_that_cannot_be_right_is_refused_as_a_whole(
    body: Document, status: int, shop: Shop, ann: Person
) -> None:
    before = await shop.rows()
    problem(await ann.post(BATCH, json=body), status)
    assert await shop.rows() == before


async def test_a_hundred_orders_are_placed_at_once(ann: Person) -> None:
    answer = await send(ann, *[place()] * 100, mode="atomic")
    assert statuses(answer) == [201] * 100
    assert len({result["order"]["number"] for result in results(answer)}) == 100


@every_mode
async def test_a_key_is_for_the_whole_batch_and_its_mode(mode: str, shop: Shop, ann: Person) -> None:
    key = uuid4().hex
    await send(ann, place(), place(), mode=mode, key=key)
    before = await shop.rows()
    other = "independent" if mode == "atomic" else "atomic"
    for items, in_mode in (([place()], mode), ([place()] * 3, mode), ([place()] * 2, other)):
        problem(await send(ann, *items, mode=in_mode, key=key), 422, "idempotency-key-reused")
    assert await shop.rows() == before
    assert (await send(ann, place(), place(), mode=mode, key=key)).headers["idempotent-replayed"] == "true"


async def test_a_note_on_canceled_lines_is_refused_rather_than_lost(operator: Person, order: Document) -> None:
    lines = [{"line_id": order["lines"][0]["line_id"], "quantity": 1}]
    body = {"reason": "OUT_OF_STOCK", "note": "sorry", "lines": lines}
    refused = problem(await operator.post(f"{order_path(order)}/cancellation", json=body), 422)
    assert refused["errors"][0]["pointer"] == "/note"


async def test_batches_that_name_the_same_external_refs_the_other_way_round_are_all_answered(ann: Person) -> None:
    refs = [uuid4().hex for _ in range(20)]
    sent = [[place(external_ref=ref) for ref in (refs if number % 2 else refs[::-1])] for number in range(8)]
    answers = await asyncio.gather(*(send(ann, *items, mode="atomic") for items in sent))
    assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text[:200] for answer in answers]
    done = [answer for answer in answers if answer.status_code == 200 and set(statuses(answer)) == {201}]
    assert len(done) == 1
    assert len(document(await ann.get(ORDERS, params={"limit": 100}))["items"]) == len(refs)


async def test_an_amendment_without_anything_to_amend_is_named(ann: Person, order: Document) -> None:
    refused = problem(await send(ann, place(), amend(order)), 422)
    assert refused["errors"][0]["pointer"] == "/items/1"
