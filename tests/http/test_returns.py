"""Goods come back, and so does the money."""

from uuid import uuid4

import httpx
import pytest

from tests.http.shop import ORDERS, Document, Person, Shop, document, order_path, pointers, problem


@pytest.fixture
async def shipped(operator: Person, order: Document) -> Document:
    """Ann's: three mugs for 13.50 EUR, all on their way."""
    return await operator.move(order, "PAID", "SHIPPED")


def some(order: Document, quantity: int) -> Document:
    return {"lines": [{"line_id": order["lines"][0]["line_id"], "quantity": quantity}]}


async def returned(person: Person, order: Document, **said: object) -> Document:
    """Asks for a return, and gives the order as it was answered."""
    answer = await person.post(order_path(order, "returns"), json=said)
    assert answer.status_code == 201, answer.text
    return document(answer)


def last_return(order: Document, *rest: str) -> str:
    return order_path(order, "returns", order["returns"][-1]["return_id"], *rest)


async def history(person: Person, order: Document) -> list[tuple[str, str, Document]]:
    items = document(await person.get(order_path(order, "events")))["items"]
    return [(event["type"], event["actor"]["kind"], event["change"]) for event in items]


async def test_what_has_shipped_comes_back_and_is_owed_back(ann: Person, operator: Person, shipped: Document) -> None:
    line_id = shipped["lines"][0]["line_id"]
    asked = await ann.post(order_path(shipped, "returns"), json={**some(shipped, 2), "reason": "too small"})
    assert asked.status_code == 201, asked.text
    assert asked.headers["etag"] == f'"{shipped["version"] + 1}"'
    requested = document(asked)
    [coming] = requested["returns"]
    assert (coming["state"], coming["reason"], coming["note"], coming["resolved_at"]) == (
        "REQUESTED",
        "too small",
        "",
        None,
    )
    assert coming["lines"] == [{"line_id": line_id, "quantity": 2}]
    assert (requested["return_status"], requested["refund_due"]) == ("REQUESTED", "0.00")
    assert requested["lines"][0]["returned"] == 0

    answer = await operator.post(last_return(requested, "receipt"), json={"note": "as good as new"})

    assert answer.status_code == 200, answer.text
    received = document(answer)
    [here] = received["returns"]
    assert (here["state"], here["note"], here["reason"]) == ("RECEIVED", "as good as new", "too small")
    assert here["resolved_at"]
    assert (received["return_status"], received["refund_due"], received["lines"][0]["returned"]) == (
        "PARTIAL",
        "9.00",
        2,
    )
    assert await ann.read(shipped) == received
    quantities = {line_id: 2}
    assert (await history(ann, shipped))[-3:] == [
        ("order.return_requested", "customer", {"return_id": coming["return_id"], "quantities": quantities}),
        ("order.return_received", "operator", {"return_id": coming["return_id"], "quantities": quantities}),
        ("order.refund_due", "operator", {"amount": "9.00"}),
    ]


async def test_without_lines_all_that_has_shipped_comes_back(
    ann: Person, operator: Person, shipped: Document
) -> None:
    requested = await returned(ann, shipped)
    assert requested["returns"][0]["lines"] == some(shipped, 3)["lines"]
    received = document(await operator.post(last_return(requested, "receipt")))
    assert (received["return_status"], received["refund_due"]) == ("RETURNED", "13.50")


@pytest.mark.parametrize("said", [None, {}], ids=["no body", "an empty object"])
@pytest.mark.parametrize("resolution", ["receipt", "refusal"])
async def test_a_return_is_resolved_without_a_note(
    resolution: str, said: Document | None, ann: Person, operator: Person, shipped: Document
) -> None:
    requested = await returned(ann, shipped)
    answer = await operator.client.post(last_return(requested, resolution), json=said)
    assert answer.status_code == 200, answer.text
    assert document(answer)["returns"][0]["note"] == ""


async def test_what_is_refused_may_be_asked_for_again(ann: Person, operator: Person, shipped: Document) -> None:
    requested = await returned(ann, shipped)
    refused = document(await operator.post(last_return(requested, "refusal"), json={"note": "broken"}))
    assert [one["state"] for one in refused["returns"]] == ["REFUSED"]
    assert (refused["return_status"], refused["refund_due"]) == ("NONE", "0.00")
    again = await returned(ann, shipped)
    assert [one["state"] for one in again["returns"]] == ["REFUSED", "REQUESTED"]
    assert [entry[0] for entry in (await history(ann, shipped))[-3:]] == [
        "order.return_requested",
        "order.return_refused",
        "order.return_requested",
    ]


async def test_no_more_comes_back_than_has_left(ann: Person, operator: Person, order: Document, shop: Shop) -> None:
    await operator.move(order, "PAID")
    await operator.post(order_path(order, "shipments"), json=some(order, 2))
    before = await shop.rows()

    found = problem(await ann.post(order_path(order, "returns"), json=some(order, 3)), 422, "over-return")
    assert (found["line_id"], found["quantity"], found["left"]) == (order["lines"][0]["line_id"], 3, 2)
    assert await shop.rows() == before

    await returned(ann, order, **some(order, 1))
    spoken_for = await ann.post(order_path(order, "returns"), json=some(order, 2))
    assert problem(spoken_for, 422, "over-return")["left"] == 1


async def test_when_all_is_coming_back_nothing_is_left_to_return(
    ann: Person, operator: Person, shipped: Document
) -> None:
    requested = await returned(ann, shipped)
    found = problem(await ann.post(order_path(shipped, "returns"), json={}), 409, "nothing-to-return")
    assert found["order_status"] == "SHIPPED"
    await operator.post(last_return(requested, "receipt"))
    problem(await ann.post(order_path(shipped, "returns"), json={}), 409, "nothing-to-return")


async def test_nothing_comes_back_before_it_has_left(ann: Person, operator: Person, order: Document) -> None:
    problem(await ann.post(order_path(order, "returns"), json={}), 409, "illegal-transition")
    await operator.move(order, "PAID")
    problem(await ann.post(order_path(order, "returns"), json={}), 409, "nothing-to-return")


async def test_a_return_is_resolved_one_way_and_not_the_other(
    ann: Person, operator: Person, shipped: Document, shop: Shop
) -> None:
    one = await returned(ann, shipped, **some(shipped, 1))
    await operator.post(last_return(one, "receipt"))
    two = await returned(ann, shipped, **some(shipped, 1))
    await operator.post(last_return(two, "refusal"))
    before = await shop.rows()

    assert problem(await operator.post(last_return(one, "refusal")), 409, "return-resolved")["state"] == "RECEIVED"
    assert problem(await operator.post(last_return(two, "receipt")), 409, "return-resolved")["state"] == "REFUSED"
    assert (await operator.post(last_return(one, "receipt"))).status_code == 200
    assert (await operator.post(last_return(two, "refusal"))).status_code == 200
    assert await shop.rows() == before


async def test_a_customer_does_not_receive_or_refuse_their_own_return(ann: Person, shipped: Document) -> None:
    requested = await returned(ann, shipped)
    for resolution in ("receipt", "refusal"):
        problem(await ann.post(last_return(requested, resolution)), 403, "not-allowed")


async def test_a_return_that_is_absent_is_not_found(operator: Person, shipped: Document) -> None:
    for return_id in ("1", str(uuid4()), "%00", "%ff"):
        for resolution in ("receipt", "refusal"):
            answer = await operator.post(order_path(shipped, "returns", return_id, resolution))
            problem(answer, 404, "return-not-found")


async def test_what_cannot_be_right_of_a_return_is_named(ann: Person, shipped: Document, shop: Shop) -> None:
    before = await shop.rows()
    for said, pointer in (
        ({"lines": []}, "/lines"),
        (some(shipped, 0), "/lines/0/quantity"),
        ({"lines": [{"line_id": "1", "quantity": 1}]}, "/lines/0/line_id"),
        ({"reason": "x" * 501}, "/reason"),
        ({"reason": "a\0"}, "/reason"),
        ({"why": "too small"}, ""),
    ):
        found = problem(await ann.post(order_path(shipped, "returns"), json=said), 422, "invalid-request")
        assert pointers(found) == [pointer], said
    assert await shop.rows() == before


# Money


async def test_what_is_owed_is_refunded_and_noted(ann: Person, operator: Person, shipped: Document) -> None:
    requested = await returned(ann, shipped, **some(shipped, 2))
    await operator.post(last_return(requested, "receipt"))

    answer = await operator.post(
        order_path(shipped, "refunds"), json={"refund_id": "ref-1", "amount": "9", "reason": "returned"}
    )

    assert answer.status_code == 201, answer.text
    refunded = document(answer)
    [refund] = refunded["refunds"]
    assert (refund["refund_id"], refund["amount"], refund["reason"]) == ("ref-1", "9.00", "returned")
    assert (refunded["refunded"], refunded["refund_due"]) == ("9.00", "0.00")
    assert refunded["payment_status"] == "PARTIALLY_REFUNDED"
    assert await ann.read(shipped) == refunded
    assert (await history(ann, shipped))[-1] == (
        "order.refunded",
        "operator",
        {"refund_id": "ref-1", "amount": "9.00", "reason": "returned"},
    )


async def test_no_more_goes_back_than_came_in(operator: Person, order: Document, shop: Shop) -> None:
    async def refund(refund_id: str, amount: str) -> httpx.Response:
        return await operator.post(order_path(order, "refunds"), json={"refund_id": refund_id, "amount": amount})

    assert problem(await refund("ref-1", "1"), 422, "refund-exceeds-captured")["left"] == "0.00"
    await operator.move(order, "PAID")
    assert (await refund("ref-1", "13")).status_code == 201
    before = await shop.rows()
    found = problem(await refund("ref-2", "0.51"), 422, "refund-exceeds-captured")
    assert (found["amount"], found["left"]) == ("0.51", "0.50")
    assert problem(await refund("ref-1", "0.50"), 409, "refund-known")["refund_id"] == "ref-1"
    for amount in ("0", "-1", "0.001", "much"):
        assert pointers(problem(await refund("ref-2", amount), 422, "invalid-request")) == ["/amount"]
    assert await shop.rows() == before
    assert document(await refund("ref-2", "0.50"))["payment_status"] == "REFUNDED"


async def test_a_customer_does_not_record_a_refund(ann: Person, shipped: Document) -> None:
    refused = await ann.post(order_path(shipped, "refunds"), json={"refund_id": "ref-1", "amount": "1"})
    problem(refused, 403, "not-allowed")


# Somebody else's


def but_for_the_names(answer: httpx.Response, order_id: str) -> bytes:
    request_id = answer.headers["x-request-id"].encode()
    return answer.content.replace(request_id, b"").replace(order_id.encode(), b"")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/events", None),
        ("GET", "/events/stream", None),
        ("PATCH", "", {"metadata": {"a": "b"}}),
        ("PATCH", "", {"status": "CANCELED"}),
        ("PUT", "/lines", {"lines": [{"name": "Mug", "quantity": 1, "unit_price": "1"}]}),
        ("PUT", "/lines?dry_run=true", {"lines": [{"name": "Mug", "quantity": 1, "unit_price": "1"}]}),
        ("POST", "/cancellation", {"reason": "OTHER"}),
        ("POST", "/cancellation", {"reason": "OTHER", "lines": [{"line_id": str(uuid4()), "quantity": 1}]}),
        ("POST", "/returns", {}),
        ("POST", "/returns/1/receipt", None),
        ("POST", "/returns/1/refusal", None),
        ("POST", "/refunds", {"refund_id": "ref-1", "amount": "1"}),
        ("POST", "/payments", {"payment_id": "pay-1", "amount": "1"}),
        ("POST", "/shipments", {}),
        ("POST", "/shipments/1/delivery", None),
    ],
)
async def test_another_customers_order_is_answered_like_one_that_is_absent(
    method: str, path: str, body: Document | None, bob: Person, shipped: Document, shop: Shop
) -> None:
    before = await shop.rows()
    absent = str(uuid4())
    answers = [await bob.ask(method, f"{ORDERS}/{order_id}{path}", json=body) for order_id in (shipped["id"], absent)]

    for answer in answers:
        problem(answer, 404, "order-not-found")
    foreign, unknown = answers
    assert but_for_the_names(foreign, shipped["id"]) == but_for_the_names(unknown, absent)
    said = [{k: v for k, v in answer.headers.items() if k not in {"x-request-id", "ratelimit"}} for answer in answers]
    assert said[0] == said[1]
    assert await shop.rows() == before
