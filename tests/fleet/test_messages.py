"""Bad messages among good ones, the same message again, and what cannot be refused."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from adapters.kafka.dead_letters import DeadLetter, DeadLetters
from tests.fleet.people import Headers, a_customer, an_operator
from tests.fleet.roles import Fleet
from tests.fleet.test_end_to_end import until
from tests.fleet.topics import send, told

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 10, "unit_price": "1.00"}]}


class Desk:
    """Places orders over HTTP, and tells of payments over Kafka."""

    def __init__(self, http: httpx.AsyncClient, customer: Headers, servers: str, environment: dict[str, str]) -> None:
        self._http = http
        self._customer = customer
        self._servers = servers
        self.payments = environment["KAFKA_PAYMENTS_TOPIC"]
        self.dead_letter_topic = f"{environment['KAFKA_TOPIC']}.dead_letter"
        self.letters = DeadLetters([servers], topic=self.dead_letter_topic)

    async def an_order(self) -> str:
        answer = await self._http.post("/api/v1/orders", json=AN_ORDER, headers=self._customer)
        return str(answer.json()["id"])

    async def order(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self._http.get(f"/api/v1/orders/{order_id}", headers=self._customer)).json()
        return found

    async def cancel(self, order_id: str) -> None:
        body = {"reason": "OTHER"}
        path = f"/api/v1/orders/{order_id}/cancellation"
        (await self._http.post(path, json=body, headers=an_operator())).raise_for_status()

    async def send(self, value: bytes | None, headers: list[tuple[str, bytes]], *, key: str) -> None:
        await send(self._servers, self.payments, value, headers, key=key.encode())

    async def pay(self, order_id: str, amount: str, *, payment_id: str = "", message_id: str = "") -> None:
        value = payment(order_id, payment_id=payment_id or uuid4().hex, amount=amount)
        await self.send(msgspec.json.encode(value), headers(id=message_id), key=order_id)

    async def dead_letters(self) -> list[DeadLetter]:
        return [letter async for letter in self.letters.all(limit=1000)]

    async def all_are(self, orders: list[str], **expected: str) -> bool:
        found = [await self.order(order_id) for order_id in orders]
        return all(order[name] == value for order in found for name, value in expected.items())

    async def captures(self, order_id: str, amount: str) -> bool:
        return bool((await self.order(order_id))["captured"] == amount)


def payment(order_id: str, **changed: Any) -> dict[str, Any]:
    value = {"payment_id": uuid4().hex, "order_id": order_id, "amount": "1.00", "currency": "EUR"}
    return {**value, "captured_at": "2026-01-01T00:00:00Z", **changed}


def headers(*, id: str = "", **changed: str) -> list[tuple[str, bytes]]:
    named = {
        "ce_specversion": "1.0",
        "ce_id": id or uuid4().hex,
        "ce_source": "/tests",
        "ce_type": "payment.captured",
    }
    return [(name, value.encode()) for name, value in {**named, **changed}.items() if value]


@pytest.fixture
async def desk(fleet: Fleet, environment: dict[str, str], kafka_bootstrap_servers: str) -> Any:
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        opened = Desk(http, await a_customer(http), kafka_bootstrap_servers, environment)
        yield opened
        await opened.letters.close()


Sent = tuple[bytes | None, list[tuple[str, bytes]]]

BAD: dict[str, tuple[Callable[[str], Sent], str]] = {
    "invalid JSON": (lambda _: (b'{"payment_id": ', headers()), "not-json"),
    "no UTF-8": (lambda _: (b'{"payment_id": "\xff"}', headers()), "not-json"),
    "null": (lambda _: (None, headers()), "no-value"),
    "wrong type": (lambda order: (encoded(order, payment_id=7), headers()), "wrong-shape"),
    "missing field": (lambda _: (b"{}", headers()), "wrong-shape"),
    "missing header": (lambda order: (encoded(order), headers(ce_type="")), "missing-header"),
    "no id": (lambda order: (encoded(order), [h for h in headers() if h[0] != "ce_id"]), "missing-header"),
    "header that is no text": (
        lambda order: (encoded(order), [*headers(ce_type=""), ("ce_type", b"\xff")]),
        "unknown-type",
    ),
    "unknown type": (lambda order: (encoded(order), headers(ce_type="payment.imagined")), "unknown-type"),
    "future version": (lambda order: (encoded(order), headers(ce_specversion="2.0")), "unknown-version"),
    "unknown order": (lambda _: (encoded(str(uuid4())), headers()), "order-not-found"),
    "wrong currency": (lambda order: (encoded(order, currency="USD"), headers()), "invalid-request"),
    "no currency": (lambda order: (encoded(order, currency="ZZZ"), headers()), "currency-unknown"),
    "no amount": (lambda order: (encoded(order, amount="much"), headers()), "invalid-request"),
    "refund of nothing": (
        lambda order: (
            msgspec.json.encode({**payment(order), "refund_id": "r", "refunded_at": "2026-01-01T00:00:00Z"}),
            headers(ce_type="payment.refunded"),
        ),
        "refund-exceeds-captured",
    ),
    "800 kB": (lambda order: (encoded(order, payment_id="x" * 800_000), headers()), "wrong-shape"),
}


def encoded(order_id: str, **changed: Any) -> bytes:
    return msgspec.json.encode(payment(order_id, **changed))


async def test_the_good_ones_take_effect_in_order_and_every_bad_one_is_kept_with_its_cause(desk: Desk) -> None:
    order_id = await desk.an_order()
    for make, _ in BAD.values():
        value, with_headers = make(order_id)
        await desk.send(value, with_headers, key=order_id)
    for number in range(3):
        await desk.pay(order_id, "1.00", payment_id=f"good-{number}")
    await until(lambda: desk.captures(order_id, "3.00"))

    letters = await desk.dead_letters()
    assert [letter.cause for letter in letters] == [cause for _, cause in BAD.values()]
    assert {letter.topic for letter in letters} == {desk.payments}
    assert [letter.offset for letter in letters] == sorted(letter.offset for letter in letters)
    assert all(letter.detail for letter in letters)
    assert [letter.cut for letter in letters] == [name == "800 kB" for name in BAD]
    payments = (await desk.order(order_id))["payments"]
    assert [payment["payment_id"] for payment in payments] == ["good-0", "good-1", "good-2"]


async def test_a_dead_letter_that_is_put_back_is_heard_again_once(desk: Desk) -> None:
    order_id = await desk.an_order()
    value = {**payment(order_id, amount="2.00"), "refund_id": "refund-1", "refunded_at": "2026-01-01T00:00:00Z"}
    await desk.send(msgspec.json.encode(value), headers(ce_type="payment.refunded"), key=order_id)
    await until(lambda: has(desk.dead_letters, 1))

    await desk.pay(order_id, "10.00")  # now there is something to give back
    await until(lambda: desk.captures(order_id, "10.00"))
    assert [letter.cause async for letter in desk.letters.redrive(limit=10)] == ["refund-exceeds-captured"]
    assert [letter async for letter in desk.letters.redrive(limit=10)] == []

    async def refunded() -> bool:
        return bool((await desk.order(order_id))["refunded"] == "2.00")

    await until(refunded)
    assert len(await desk.dead_letters()) == 1


async def test_the_same_message_a_hundred_times_has_one_effect(desk: Desk) -> None:
    order_id = await desk.an_order()
    for _ in range(100):
        await desk.pay(order_id, "1.00", payment_id="again", message_id="again")
    await desk.pay(order_id, "2.00", payment_id="last")
    await until(lambda: desk.captures(order_id, "3.00"))
    assert (await desk.order(order_id))["version"] == 4  # placed, processed, and two payments


async def test_the_topic_told_again_changes_nothing(desk: Desk, kafka_bootstrap_servers: str) -> None:
    orders = [await desk.an_order() for _ in range(5)]
    for order_id in orders:
        await desk.pay(order_id, "10.00", payment_id="first")
    await until(lambda: desk.all_are(orders, captured="10.00", processing_status="PROCESSED"))

    records = await told(kafka_bootstrap_servers, desk.payments)
    for _ in range(3):
        for record in records:
            await desk.send(record.value, list(record.headers), key=record.key.decode())
    for order_id in orders:  # told behind all of these, so heard behind them, too
        await desk.pay(order_id, "1.00", payment_id="last")
    await until(lambda: desk.all_are(orders, captured="11.00"))
    for order_id in orders:
        order = await desk.order(order_id)
        assert [payment["payment_id"] for payment in order["payments"]] == ["first", "last"]
        assert order["version"] == 6  # placed, processed, recorded, paid; recorded, refund due
    assert await desk.dead_letters() == []


async def test_money_that_comes_late_or_is_too_much_is_recorded_and_owed_back(desk: Desk) -> None:
    late, surplus = await desk.an_order(), await desk.an_order()
    await desk.cancel(late)
    await desk.pay(late, "10.00")
    await desk.pay(surplus, "12.50")
    await until(lambda: desk.captures(late, "10.00"))
    await until(lambda: desk.captures(surplus, "12.50"))
    assert (await desk.order(late))["refund_due"] == "10.00"
    assert (await desk.order(surplus))["refund_due"] == "2.50"


async def has(letters: Callable[[], Awaitable[list[DeadLetter]]], count: int) -> bool:
    return len(await letters()) == count
