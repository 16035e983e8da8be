"""One key, one effect: a request that comes again gets its first answer again, and nothing else happens."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from order_service.domain.actor import Role
from tests.http.shop import ORDERS, Document, Person, Shop, a_line, document, order_body, order_path, problem

REPLAYED = "idempotent-replayed"
AT_ONCE = 200


def keyed(key: str | bytes) -> dict[str, str | bytes]:
    return {"Idempotency-Key": key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A request that changes an order which has reached `after`; `later` moves the order on.

    `{parcel}` and `{return}` stand for the first of the order's, and lines in a body are its first line.
    """

    path: str
    body: Document | None = None
    other_body: Document | None = None
    after: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    returned: bool = False

    async def ready(self, person: Person, order: Document) -> Document:
        order = await person.move(order, *self.after)
        return document(await person.post(order_path(order, "returns"), json={})) if self.returned else order

    async def ask(self, person: Person, order: Document, key: str, *, body: Document | None = None) -> httpx.Response:
        path = order_path(order) + self.path
        if "{parcel}" in path:
            path = path.replace("{parcel}", order["shipments"][0]["shipment_id"])
        if "{return}" in path:
            path = path.replace("{return}", order["returns"][0]["return_id"])
        said = body or self.body
        if said is None:
            return await person.post(path, headers=keyed(key))
        if "lines" in said:
            said = {**said, "lines": [{**entry, "line_id": order["lines"][0]["line_id"]} for entry in said["lines"]]}
        return await person.post(path, json=said, headers=keyed(key))


EFFECTS = {
    "a payment": Effect(
        path="/payments",
        body={"payment_id": "pay-1", "amount": "1"},
        other_body={"payment_id": "pay-1", "amount": "2"},
        later=("PAID", "SHIPPED"),
    ),
    "a shipment": Effect(
        path="/shipments",
        body={"carrier": "DHL"},
        other_body={"carrier": "UPS"},
        after=("PAID",),
        later=("DELIVERED",),
    ),
    "a delivery": Effect(path="/shipments/{parcel}/delivery", after=("PAID", "SHIPPED")),
    "a cancellation": Effect(
        path="/cancellation", body={"reason": "OTHER"}, other_body={"reason": "OTHER", "note": "please"}
    ),
    "a cancellation of lines": Effect(
        path="/cancellation",
        body={"reason": "OUT_OF_STOCK", "lines": [{"quantity": 1}]},
        other_body={"reason": "OUT_OF_STOCK", "lines": [{"quantity": 2}]},
        later=("PAID", "SHIPPED"),
    ),
    "a refund": Effect(
        path="/refunds",
        body={"refund_id": "ref-1", "amount": "1"},
        other_body={"refund_id": "ref-1", "amount": "2"},
        after=("PAID",),
        later=("SHIPPED",),
    ),
    "a return": Effect(
        path="/returns",
        body={"lines": [{"quantity": 1}]},
        other_body={"lines": [{"quantity": 1}], "reason": "too small"},
        after=("PAID", "SHIPPED"),
        later=("DELIVERED",),
    ),
    "a receipt of a return": Effect(
        path="/returns/{return}/receipt",
        body={"note": "as good as new"},
        other_body={"note": "broken"},
        after=("PAID", "SHIPPED"),
        later=("DELIVERED",),
        returned=True,
    ),
    "a refusal of a return": Effect(
        path="/returns/{return}/refusal",
        body={"note": "broken"},
        other_body={"note": "too late"},
        after=("PAID", "SHIPPED"),
        later=("DELIVERED",),
        returned=True,
    ),
    "a receipt without a body": Effect(
        path="/returns/{return}/receipt", after=("PAID", "SHIPPED"), later=("DELIVERED",), returned=True
    ),
}
every_effect = pytest.mark.parametrize("effect", [pytest.param(effect, id=name) for name, effect in EFFECTS.items()])


@pytest.fixture
async def ready(effect: Effect, ann: Person, operator: Person) -> Document:
    return await effect.ready(operator, await ann.place())


def is_a_replay_of(again: httpx.Response, first: httpx.Response) -> bool:
    """Byte for byte, down to the headers that speak of the order."""
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.content == first.content
    assert again.status_code == first.status_code
    return all(again.headers.get(name) == first.headers.get(name) for name in ("etag", "location", "content-type"))


async def test_an_order_is_placed_once_and_answered_twice(ann: Person, operator: Person, shop: Shop) -> None:
    body = order_body(metadata={"z": "1", "a": "2"}, external_ref="web-1")
    first = await ann.post(ORDERS, json=body, headers=keyed("k"))
    await operator.move(document(first), "PAID", "SHIPPED", "DELIVERED")
    before = await shop.rows()

    again = await ann.post(ORDERS, json=body, headers=keyed("k"))

    assert first.status_code == 201
    assert is_a_replay_of(again, first)
    assert await shop.rows() == before
    assert (await ann.read(document(first)))["status"] == "DELIVERED"


@every_effect
async def test_a_change_takes_effect_once_and_is_answered_twice(
    effect: Effect, ready: Document, operator: Person, shop: Shop
) -> None:
    first = await effect.ask(operator, ready, "k")
    assert first.is_success, first.text
    await operator.move(ready, *effect.later)
    before = await shop.rows()

    again = await effect.ask(operator, ready, "k")

    assert is_a_replay_of(again, first)
    assert await shop.rows() == before


async def test_a_replay_does_not_mind_that_the_version_is_another_by_now(operator: Person, order: Document) -> None:
    payment = {"payment_id": "pay-1", "amount": "1"}
    headers = {"Idempotency-Key": "k", "If-Match": '"1"'}
    first = await operator.post(order_path(order, "payments"), json=payment, headers=headers)
    again = await operator.post(order_path(order, "payments"), json=payment, headers=headers)
    assert is_a_replay_of(again, first)


async def test_the_same_key_with_another_order_to_place_is_refused(ann: Person, shop: Shop) -> None:
    await ann.place(headers={"Idempotency-Key": "k"})
    before = await shop.rows()

    for body in (order_body(lines=[a_line(quantity=4)]), order_body(currency="USD"), order_body(metadata={"a": "b"})):
        problem(await ann.post(ORDERS, json=body, headers=keyed("k")), 422, "idempotency-key-reused")

    assert await shop.rows() == before


async def test_the_same_order_written_otherwise_is_the_same_request(ann: Person) -> None:
    first = await ann.post(ORDERS, json=order_body(), headers=keyed("k"))
    body = b'{ "lines" : [{"unit_price":"4.50","quantity":3,"name":"\\u004dug","sku":"MUG-1"}],\n"currency":"EUR" }'
    again = await ann.post(ORDERS, content=body, headers={**keyed("k"), "Content-Type": "application/json"})
    assert is_a_replay_of(again, first)


@every_effect
async def test_the_same_key_with_another_change_is_refused(
    effect: Effect, ready: Document, ann: Person, operator: Person, shop: Shop
) -> None:
    assert (await effect.ask(operator, ready, "k")).is_success
    other_order = await effect.ready(operator, await ann.place())
    before = await shop.rows()

    if effect.other_body is not None:
        reused = await effect.ask(operator, ready, "k", body=effect.other_body)
        problem(reused, 422, "idempotency-key-reused")
    problem(await effect.ask(operator, other_order, "k"), 422, "idempotency-key-reused")
    problem(
        await operator.post(ORDERS, json=order_body(customer_id=str(ann.id)), headers=keyed("k")),
        422,
        "idempotency-key-reused",
    )

    assert await shop.rows() == before


async def test_two_customers_may_use_the_same_key(ann: Person, bob: Person) -> None:
    anns, bobs = [await person.place(headers={"Idempotency-Key": "k"}) for person in (ann, bob)]
    assert anns["id"] != bobs["id"]
    assert bobs["customer_id"] == str(bob.id)


@pytest.mark.parametrize("what", ["a payment", "a shipment", "a refund"])
async def test_two_of_the_staff_may_use_the_same_key(what: str, ann: Person, operator: Person, admin: Person) -> None:
    effect = EFFECTS[what]
    one, two = [await operator.move(await ann.place(), *effect.after) for _ in range(2)]
    first, second = await effect.ask(operator, one, "k"), await effect.ask(admin, two, "k")
    assert (document(first)["id"], document(second)["id"]) == (one["id"], two["id"])
    assert REPLAYED not in second.headers


async def test_an_order_without_a_key_is_another_order(ann: Person) -> None:
    assert (await ann.place())["id"] != (await ann.place())["id"]


@pytest.mark.parametrize(
    "key",
    ["k", "k" * 255, '"' + "k" * 255 + '"', "!", "~", "a/b+c=,;:@[]{}", '"7f9c"', str(uuid4())],
    ids=lambda key: key[:12] + (f"({len(key)})" if len(key) > 12 else ""),
)
async def test_a_key_may_be_1_to_255_visible_characters(key: str, ann: Person) -> None:
    first = await ann.post(ORDERS, json=order_body(), headers=keyed(key))
    assert first.status_code == 201
    assert is_a_replay_of(await ann.post(ORDERS, json=order_body(), headers=keyed(key)), first)


async def test_a_quoted_key_is_the_key_without_its_quotes(ann: Person) -> None:
    first = await ann.post(ORDERS, json=order_body(), headers=keyed('"7f9c"'))
    assert is_a_replay_of(await ann.post(ORDERS, json=order_body(), headers=keyed("7f9c")), first)


BAD_KEYS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" ",
    "empty in quotes": b'""',
    "256 characters": b"k" * 256,
    "256 characters in quotes": b'"' + b"k" * 256 + b'"',
    "a space within": b"a b",
    "a tab": b"a\tb",
    "a NUL": b"a\x00b",
    "a line break": b"a\r\nb",
    "a delete": b"a\x7f",
    "UTF-8": "schlüssel".encode(),
    "Latin-1": "schlüssel".encode("latin-1"),
    "an emoji": "🔑".encode(),
}


@pytest.mark.parametrize("key", [pytest.param(key, id=what) for what, key in BAD_KEYS.items()])
async def test_a_key_that_is_none_is_refused(
    key: bytes, ann: Person, operator: Person, order: Document, shop: Shop
) -> None:
    before = await shop.rows()
    payment = {"payment_id": "pay-1", "amount": "1"}
    for answer in (
        await ann.post(ORDERS, json=order_body(), headers=keyed(key)),
        await operator.post(order_path(order, "payments"), json=payment, headers=keyed(key)),
        await ann.post(order_path(order, "cancellation"), json={"reason": "OTHER"}, headers=keyed(key)),
    ):
        problem(answer, 400, "malformed-request")
    assert await shop.rows() == before


async def test_a_placing_that_fails_leaves_no_record_of_its_key(ann: Person, shop: Shop) -> None:
    before = await shop.rows()
    wrong = await ann.post(ORDERS, json=order_body(total_price="1"), headers=keyed("k"))
    problem(wrong, 422, "total-mismatch")
    assert await shop.rows() == before

    right = await ann.post(ORDERS, json=order_body(), headers=keyed("k"))
    assert (right.status_code, REPLAYED in right.headers) == (201, False)


async def test_a_change_that_fails_leaves_no_record_of_its_key(operator: Person, order: Document, shop: Shop) -> None:
    before = await shop.rows()
    too_early = await operator.post(order_path(order, "shipments"), json={}, headers=keyed("k"))
    problem(too_early, 409, "illegal-transition")
    assert await shop.rows() == before

    await operator.move(order, "PAID")
    in_time = await operator.post(order_path(order, "shipments"), json={}, headers=keyed("k"))
    assert (in_time.status_code, REPLAYED in in_time.headers) == (201, False)


async def test_200_times_the_same_order_at_once_is_one_order(ann: Person, shop: Shop) -> None:
    before = await shop.rows()

    answers = await asyncio.gather(
        *[ann.post(ORDERS, json=order_body(external_ref="web-1"), headers=keyed("k")) for _ in range(AT_ONCE)]
    )

    after = await shop.rows()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == AT_ONCE - 1
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "orders": 1,
        "order_events": 1,
        "idempotency": 1,
    }


@every_effect
async def test_the_same_change_many_times_at_once_happens_once(
    effect: Effect, ready: Document, operator: Person, shop: Shop
) -> None:
    answers = await asyncio.gather(*[effect.ask(operator, ready, "k") for _ in range(50)])

    assert all(answer.is_success for answer in answers), {answer.text for answer in answers if answer.is_error}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == 49
    after = await operator.read(ready)
    assert after == document(answers[0])
    async with shop.engine.connect() as connection:
        events = await connection.scalar(
            text("SELECT count(*) FROM order_events WHERE aggregateid = :id"), {"id": ready["id"]}
        )
    assert events == after["version"]


async def test_one_key_for_two_orders_at_once_gets_one_of_them(ann: Person, shop: Shop) -> None:
    bodies = [order_body(lines=[a_line(quantity=quantity)]) for quantity in (1, 2)] * 10
    before = await shop.rows()

    answers = await asyncio.gather(*[ann.post(ORDERS, json=body, headers=keyed("k")) for body in bodies])

    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [422] * 10
    assert (await shop.rows())["orders"] == before["orders"] + 1


async def test_a_key_is_an_accounts_own_whatever_its_role(shop: Shop, ann: Person, order: Document) -> None:
    canceled = await ann.post(order_path(order, "cancellation"), json={"reason": "OTHER"}, headers=keyed("k"))
    staff = await shop.person(Role.ADMIN)
    same = await staff.post(order_path(order, "cancellation"), json={"reason": "OTHER"}, headers=keyed("k"))
    assert (canceled.status_code, same.status_code) == (200, 200)
    assert REPLAYED not in same.headers
