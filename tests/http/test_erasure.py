"""An account is erased over HTTP."""

from uuid import uuid4

import httpx

from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    PASSWORD,
    Document,
    Person,
    Shop,
    document,
    log_in,
    order_body,
    order_path,
    pointers,
    problem,
)
from tests.persistence.test_erasing import places_of

ERASURE = f"{ME}/erasure"


async def erase(person: Person, password: str = PASSWORD) -> httpx.Response:
    return await person.post(ERASURE, json={"current_password": password})


def mark_of(person: Person) -> str:
    """What nobody else writes: others share the database."""
    return person.email.partition("@")[0]


async def a_canceled_order(person: Person) -> Document:
    mark = mark_of(person)
    said = {"external_ref": f"of {mark}", "metadata": {"who": mark}}
    order = await person.place(headers={"Idempotency-Key": f"key-of-{mark}"}, **said)
    canceling = {"reason": "CUSTOMER_REQUEST", "note": f"{mark} no longer wants it"}
    return document(await person.post(order_path(order, "cancellation"), json=canceling))


async def test_after_an_erasure_nothing_in_the_database_is_of_the_customer(
    shop: Shop, eve: Person, operator: Person
) -> None:
    order = await a_canceled_order(eve)
    etag = {"If-None-Match": f'"{order["version"]}"'}
    assert (await operator.get(order_path(order), headers=etag)).status_code == 304
    before = await places_of(shop.engine, mark_of(eve))
    answer = await erase(eve)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {"accounts.email", "idempotency.key", "order_events.payload", "orders.body"} <= set(before)
    assert await places_of(shop.engine, mark_of(eve)) == []
    seen = await operator.get(order_path(order), headers=etag)
    assert seen.status_code == 200
    assert mark_of(eve) not in seen.text
    redacted = document(seen)
    assert redacted["version"] == order["version"] + 1
    gone = {"external_ref": None, "metadata": {}, "cancellation": {**order["cancellation"], "note": ""}}
    news = {name: redacted[name] for name in ("version", "updated_at", "redacted_at")}
    assert redacted == order | gone | news
    history = document(await operator.get(order_path(order, "events")))["items"]
    assert [event["type"] for event in history] == ["order.placed", "order.canceled", "order.redacted"]
    assert history[-1]["actor"] == {"kind": "system", "id": None}
    listed = document(await operator.get(ORDERS, params={"customer_id": str(eve.id)}))
    assert listed["items"] == [redacted]
    assert await operator.read({"id": redacted["number"]}) == redacted


async def test_whoever_was_erased_is_as_unknown_as_anybody(
    eve: Person, operator: Person, anybody: httpx.AsyncClient
) -> None:
    assert (await erase(eve)).status_code == 204
    refused, unknown = await log_in(anybody, eve.email), await log_in(anybody, f"{uuid4().hex}@example.com")
    assert {**document(refused), "request_id": ""} == {**document(unknown), "request_id": ""}
    # 401 as soon as this process has heard that the session is over, and nothing before that either.
    assert (await eve.get(ME)).status_code in {401, 404}
    assert (await eve.post(ORDERS, json=order_body())).status_code in {401, 422}
    problem(await operator.post(ORDERS, json=order_body(customer_id=str(eve.id))), 422, "customer-unknown")
    again = await operator.post(ACCOUNTS, json={"email": eve.email, "password": PASSWORD})
    assert (again.status_code, document(again)["id"] != str(eve.id)) == (201, True)


async def test_a_wrong_password_is_a_wrong_field(eve: Person) -> None:
    refusal = problem(await erase(eve, "wrong horse battery"), 422, "invalid-request")
    assert pointers(refusal) == ["/current_password"]
    assert (await eve.get(ME)).status_code == 200
    assert (await erase(eve)).status_code == 204


async def test_while_orders_are_going_on_the_answer_says_how_many(eve: Person, operator: Person) -> None:
    pending, delivered = await eve.place(), await eve.place()
    delivered = await operator.move(delivered, "PAID", "SHIPPED", "DELIVERED")
    returned = await eve.post(order_path(delivered, "returns"), json={"reason": "it broke"})
    assert problem(await erase(eve), 409, "orders-open")["open_orders"] == 2
    await eve.move(pending, "CANCELED")
    assert problem(await erase(eve), 409, "orders-open")["open_orders"] == 1
    return_id = document(returned)["returns"][0]["return_id"]
    receipt = await operator.post(order_path(delivered, "returns", return_id, "receipt"), json={"note": "it did"})
    assert receipt.status_code == 200
    assert problem(await erase(eve), 409, "orders-open")["open_orders"] == 1
    refund = {"refund_id": "r", "amount": delivered["total"], "reason": "returned"}
    assert (await operator.post(order_path(delivered, "refunds"), json=refund)).status_code == 201
    assert (await erase(eve)).status_code == 204


async def test_staff_can_go_on_with_a_redacted_order_but_note_nothing_on_it(eve: Person, operator: Person) -> None:
    order = await operator.move(await eve.place(), "PAID", "SHIPPED", "DELIVERED")
    assert (await erase(eve)).status_code == 204
    problem(await operator.patch(order_path(order), json={"external_ref": "Eve"}), 422, "invalid-request")
    returning = await operator.post(order_path(order, "returns"), json={"reason": "Eve"})
    assert pointers(problem(returning, 422, "invalid-request")) == ["/reason"]
    assert (await operator.post(order_path(order, "returns"), json={})).status_code == 201


async def test_nobody_is_erased_without_a_token(anybody: httpx.AsyncClient) -> None:
    problem(await anybody.post(ERASURE, json={"current_password": PASSWORD}), 401, "not-authenticated")
