"""Bad messages among good ones, the same message again, and what cannot be refused."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.kafka.cluster import Cluster
from adapters.kafka.consumer_lag import consumer_lag
from adapters.kafka.dead_letters import DeadLetters
from adapters.persistence.engine import create_engine
from adapters.persistence.leases import SqlLeases
from adapters.persistence.operating import SqlDeeds, SqlSettledLetters
from adapters.system import RandomIds, SystemClock
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DeadLetterNotFound, LetterCut, LetterFromElsewhere, LetterSettled
from order_service.ports import DeadLetter
from order_service.use_cases.redrive_letter import RedriveLetter
from order_service.use_cases.settle_letter import SettleLetter
from order_service.use_cases.write_down import WriteDown
from tests.chaos.heard import PARTITIONS, not_heard
from tests.conftest import execute
from tests.crash.checker import ALL_PROCESSED, ALL_RELAYED
from tests.fleet.people import SECRET_KEY, Headers, a_customer, an_operator
from tests.fleet.roles import Fleet
from tests.fleet.topics import make_topics, told
from tests.fleet.waiting import until
from tests.services.server import free_port

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 10, "unit_price": "1.00"}]}
LARGEST_MESSAGE = 8 * 1024 * 1024
"""Of all topics but the dead letters', which is as Kafka makes it."""
A_DAY = "2026-01-01T00:00:00Z"

RecordHeaders = list[tuple[str, bytes]]
Place = tuple[str, int, int]
"""Topic, partition and offset."""


class Desk:
    """Places orders over HTTP, tells of payments and parcels over Kafka, and reads what became of it."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        customer: Headers,
        environment: dict[str, str],
        producer: AIOKafkaProducer,
        database: Any,
        engine: AsyncEngine,
    ) -> None:
        self._http = http
        self._customer = customer
        self._producer = producer
        self._database = database
        self.servers = environment["KAFKA_BOOTSTRAP_SERVERS"]
        self.payments = environment["KAFKA_PAYMENTS_TOPIC"]
        self.shipments = environment["KAFKA_SHIPMENTS_TOPIC"]
        self.topics = (environment["KAFKA_TOPIC"], self.payments, self.shipments)
        topic = f"{environment['KAFKA_TOPIC']}.dead_letter"
        self.letters = DeadLetters(Cluster(servers=[self.servers]), topic=topic, heard=self.topics)
        self._redrive = RedriveLetter(
            self.letters,
            SettleLetter(
                SqlSettledLetters(engine, topic=topic),
                SqlLeases(engine),
                WriteDown(SqlDeeds(engine), RandomIds(), SystemClock()),
            ),
        )

    async def an_order(self) -> str:
        answer = await self._http.post("/api/v1/orders", json=AN_ORDER, headers=self._customer)
        return str(answer.raise_for_status().json()["id"])

    async def order(self, order_id: str) -> dict[str, Any]:
        found = await self._http.get(f"/api/v1/orders/{order_id}", headers=self._customer)
        order: dict[str, Any] = found.raise_for_status().json()
        return order

    async def cancel(self, order_id: str) -> None:
        path = f"/api/v1/orders/{order_id}/cancellation"
        (await self._http.post(path, json={"reason": "OTHER"}, headers=an_operator())).raise_for_status()

    async def send(
        self, value: bytes | None, with_headers: RecordHeaders, *, key: str, topic: str | None = None
    ) -> Place:
        topic = topic or self.payments
        sent = await self._producer.send_and_wait(topic, value, key=key.encode(), headers=with_headers)
        return (topic, sent.partition, sent.offset)

    async def pay(self, order_id: str, amount: str, *, payment_id: str = "", message_id: str = "") -> None:
        value = encoded(order_id, payment_id=payment_id or uuid4().hex, amount=amount)
        await self.send(value, headers(id=message_id), key=order_id)

    async def refund(self, order_id: str, amount: str) -> None:
        await self.send(a_refund(order_id, amount), headers(ce_type="payment.refunded"), key=order_id)

    async def dispatch(self, order_id: str, shipment_id: str) -> None:
        value = json.dumps({"shipment_id": shipment_id, "order_id": order_id, "dispatched_at": A_DAY}).encode()
        await self.send(value, headers(ce_type="shipment.dispatched"), key=order_id, topic=self.shipments)

    async def dead_letters(self, key: str) -> list[DeadLetter]:
        """The oldest first."""
        letters = [letter for letter in await self.letters.newest(10_000) if letter.key == key.encode()]
        return sorted(letters, key=lambda letter: letter.place)

    async def redrive(self, letter: DeadLetter) -> None:
        await self._redrive(letter.place.partition, letter.place.offset, by=SYSTEM)

    async def has_dead_letters(self, key: str, count: int) -> bool:
        return len(await self.dead_letters(key)) == count

    async def shows(self, orders: Iterable[str], **expected: str) -> bool:
        found = [await self.order(order_id) for order_id in orders]
        return all(order[name] == value for order in found for name, value in expected.items())

    async def everything_is_heard(self) -> bool:
        """And nothing of what was heard is still to be told."""
        return bool(
            await not_heard(self.servers, self.topics) == 0
            and await self._database.fetchval(ALL_RELAYED)
            and await self._database.fetchval(ALL_PROCESSED)
            and await not_heard(self.servers, self.topics) == 0
        )

    async def tables(self, orders: list[str]) -> list[Any]:
        """All that is kept of these orders."""
        rows = await self._database.fetch("SELECT * FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id", orders)
        events = await self._database.fetch(
            "SELECT * FROM order_events WHERE aggregateid = ANY($1::uuid[]) ORDER BY position", orders
        )
        return [tuple(row) for row in (*rows, *events)]

    async def hear_from_the_beginning(self) -> None:
        """As if nothing had ever been heard; nobody may be listening."""
        for topic in self.topics:
            group = AIOKafkaConsumer(
                bootstrap_servers=self.servers, group_id=f"order-service-{topic}", enable_auto_commit=False
            )
            await group.start()
            group.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
            await group.commit({TopicPartition(topic, number): 0 for number in range(PARTITIONS)})
            await group.stop()


def encoded(order_id: str, **changed: Any) -> bytes:
    value = {"payment_id": uuid4().hex, "order_id": order_id, "amount": "1.00", "currency": "EUR"}
    return json.dumps({**value, "captured_at": A_DAY, **changed}).encode()


def a_refund(order_id: str, amount: str) -> bytes:
    value = {"refund_id": uuid4().hex, "order_id": order_id, "amount": amount, "currency": "EUR"}
    return json.dumps({**value, "refunded_at": A_DAY}).encode()


def headers(*, id: str = "", **changed: str | bytes | None) -> RecordHeaders:
    """Of a payment, with some of them `changed`, or, when None, left out."""
    named: dict[str, str | bytes | None] = {
        "ce_specversion": "1.0",
        "ce_id": id or uuid4().hex,
        "ce_source": "/tests",
        "ce_type": "payment.captured",
        **changed,
    }
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in named.items() if value]


@pytest.fixture(scope="module")
async def environment(
    postgres: URL, template: URL, kafka_bootstrap_servers: str, redis_url: str
) -> AsyncIterator[dict[str, str]]:
    name = f"messages-{uuid4().hex[:8]}"
    database = postgres.set(database=name.replace("-", "_"))
    await execute(postgres, f"CREATE DATABASE {database.database} TEMPLATE {template.database}")
    topics = {
        "KAFKA_TOPIC": name,
        "KAFKA_PAYMENTS_TOPIC": f"{name}.payments",
        "KAFKA_SHIPMENTS_TOPIC": f"{name}.ship",
    }
    roomy = {"max.message.bytes": str(LARGEST_MESSAGE)}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap_servers)
    await admin.start()
    await admin.create_topics(
        [
            *(NewTopic(topic, PARTITIONS, 1, topic_configs=roomy) for topic in topics.values()),
            NewTopic(f"{name}.dead_letter", PARTITIONS, 1),
        ]
    )
    await admin.close()
    yield {
        **topics,
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "REDIS_URL": redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers,
        "SECRET_KEY": SECRET_KEY,
        "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "100000",
        "RATE_LIMIT_ORDERS_PER_MINUTE": "1000000",
        "STALLED_AFTER_SECONDS": "5",
    }
    await execute(postgres, f"DROP DATABASE {database.database} WITH (FORCE)")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterable[Fleet]:
    """One for all tests here: an order's key keeps what they send apart."""
    with Fleet(tmp_path_factory.mktemp("fleet"), environment, port=free_port()) as roles:
        roles.start()
        roles.until_ready()
        yield roles


@pytest.fixture(scope="module")
async def desk(fleet: Fleet, environment: dict[str, str]) -> AsyncIterator[Desk]:
    kafka = environment["KAFKA_BOOTSTRAP_SERVERS"]
    engine = create_engine(make_url(environment["DATABASE_URL"]), pool_size=3)
    database: Any = await asyncpg.connect(environment["DATABASE_URL"].replace("postgresql+asyncpg", "postgresql"))
    try:
        async with (
            AIOKafkaProducer(bootstrap_servers=kafka, acks="all", max_request_size=LARGEST_MESSAGE) as producer,
            httpx.AsyncClient(base_url=fleet.address, timeout=10) as http,
        ):
            opened = Desk(http, await a_customer(http), environment, producer, database, engine)
            yield opened
            await opened.letters.close()
    finally:
        await engine.dispose()
        await database.close()


Sent = tuple[bytes | None, RecordHeaders]

BAD: dict[str, tuple[Callable[[str], Sent], str]] = {
    "invalid JSON": (lambda _: (b'{"payment_id": ', headers()), "not-json"),
    "no UTF-8": (lambda _: (b'{"payment_id": "\xff"}', headers()), "not-json"),
    "deep JSON": (lambda _: (b"[" * 100_000, headers()), "wrong-shape"),
    "null": (lambda _: (None, headers()), "no-value"),
    "wrong type": (lambda order: (encoded(order, payment_id=7), headers()), "wrong-shape"),
    "missing field": (lambda _: (b"{}", headers()), "wrong-shape"),
    "no headers": (lambda order: (encoded(order), []), "missing-header"),
    "no type": (lambda order: (encoded(order), headers(ce_type=None)), "missing-header"),
    "no id": (lambda order: (encoded(order), headers(ce_id=None)), "missing-header"),
    "no source": (lambda order: (encoded(order), headers(ce_source=None)), "missing-header"),
    "id with a NUL": (lambda order: (encoded(order), headers(ce_id="id\0")), "malformed-header"),
    "header that is no text": (lambda order: (encoded(order), headers(ce_type=b"\xff")), "unknown-type"),
    "unknown type": (lambda order: (encoded(order), headers(ce_type="payment.imagined")), "unknown-type"),
    "future version": (lambda order: (encoded(order), headers(ce_specversion="2.0")), "unknown-version"),
    "unknown order": (lambda _: (encoded(str(uuid4())), headers()), "order-not-found"),
    "no order": (lambda _: (encoded("first"), headers()), "wrong-shape"),
    "wrong currency": (lambda order: (encoded(order, currency="USD"), headers()), "invalid-request"),
    "no currency": (lambda order: (encoded(order, currency="ZZZ"), headers()), "currency-unknown"),
    "no amount": (lambda order: (encoded(order, amount="much"), headers()), "invalid-request"),
    "negative amount": (lambda order: (encoded(order, amount="-1.00"), headers()), "invalid-request"),
    "too many decimals": (lambda order: (encoded(order, amount="1.001"), headers()), "invalid-request"),
    "refund of nothing": (
        lambda order: (a_refund(order, "99.00"), headers(ce_type="payment.refunded")),
        "refund-exceeds-captured",
    ),
    "2 MB": (lambda order: (encoded(order, payment_id="x" * 2_000_000), headers()), "wrong-shape"),
}


async def test_the_good_ones_take_effect_in_order_and_every_bad_one_is_kept_with_its_cause_and_origin(
    desk: Desk,
) -> None:
    order_id = await desk.an_order()
    places = []
    for number, (make, _) in enumerate(BAD.values()):
        await desk.pay(order_id, "0.10", payment_id=f"good-{number}")
        value, with_headers = make(order_id)
        places.append(await desk.send(value, with_headers, key=order_id))
    await desk.pay(order_id, "0.10", payment_id=f"good-{len(BAD)}")
    await until(lambda: desk.shows([order_id], captured=f"{(len(BAD) + 1) / 10:.2f}"))
    await until(desk.everything_is_heard)

    letters = await desk.dead_letters(order_id)
    assert [letter.cause for letter in letters] == [cause for _, cause in BAD.values()]
    assert [(letter.topic, letter.partition, letter.offset) for letter in letters] == places
    assert all(letter.detail for letter in letters)
    assert [name for name, letter in zip(BAD, letters, strict=True) if letter.cut] == ["2 MB"]
    payments = (await desk.order(order_id))["payments"]
    assert [payment["payment_id"] for payment in payments] == [f"good-{n}" for n in range(len(BAD) + 1)]


async def test_a_dead_letter_is_the_message_as_it_came(desk: Desk) -> None:
    order_id = await desk.an_order()
    sent = [*headers(ce_type="payment.imagined"), ("trace", b"\xff\x00"), ("trace", b"twice"), ("empty", b"")]
    await desk.send(b"\xff\x00 anything", sent, key=order_id)
    await until(lambda: desk.has_dead_letters(order_id, 1))
    [letter] = await desk.dead_letters(order_id)
    assert (letter.value, list(letter.headers), letter.cut) == (b"\xff\x00 anything", sent, False)


async def test_a_parcel_for_a_canceled_order_is_a_dead_letter_and_the_next_one_leaves(desk: Desk) -> None:
    canceled, paid = await desk.an_order(), await desk.an_order()
    await desk.cancel(canceled)
    await desk.pay(paid, "10.00")
    await until(lambda: desk.shows([paid], status="PAID"))
    for order_id in (canceled, paid):
        await desk.dispatch(order_id, "parcel-1")
    await until(lambda: desk.shows([paid], status="SHIPPED"))
    await until(desk.everything_is_heard)
    [letter] = await desk.dead_letters(canceled)
    assert (letter.topic, letter.cause) == (desk.shipments, "illegal-transition")
    assert (await desk.order(canceled))["status"] == "CANCELED"
    assert await desk.dead_letters(paid) == []


async def test_a_dead_letter_that_is_put_back_is_heard_again_once(desk: Desk) -> None:
    order_id = await desk.an_order()
    await desk.dispatch(order_id, "parcel-1")  # before it was paid
    await until(lambda: desk.has_dead_letters(order_id, 1))
    await desk.pay(order_id, "10.00")
    await until(lambda: desk.shows([order_id], status="PAID"))

    [letter] = await desk.dead_letters(order_id)
    assert letter.cause == "illegal-transition"
    await desk.redrive(letter)
    with pytest.raises(LetterSettled):
        await desk.redrive(letter)
    await until(lambda: desk.shows([order_id], status="SHIPPED"))
    first, again = [record for record in await told(desk.servers, desk.shipments) if record.key == order_id.encode()]
    assert (again.partition, again.value, again.headers) == (first.partition, first.value, first.headers)
    await until(desk.everything_is_heard)
    assert len(await desk.dead_letters(order_id)) == 1


async def test_what_others_write_among_the_dead_letters_is_seen_and_goes_nowhere(desk: Desk) -> None:
    unheard, topic = f"unheard-{uuid4().hex[:8]}", f"{desk.topics[0]}.dead_letter"
    await make_topics(desk.servers, [unheard])
    strange: list[RecordHeaders] = [
        [],
        [
            ("x-dead-letter-topic", b"\xff"),
            ("x-dead-letter-partition", b"one"),
            ("x-dead-letter-offset", b"9" * 5000),
        ],
        [("x-dead-letter-topic", unheard.encode()), ("x-dead-letter-partition", b"0"), ("x-dead-letter-cut", b"no")],
    ]
    for sent in strange:
        await desk.send(b"\xff", sent, key=unheard, topic=topic)
    letters = await desk.dead_letters(unheard)
    assert [(letter.cause, letter.partition, letter.offset) for letter in letters] == [
        ("unknown", -1, -1), ("unknown", -1, -1), ("unknown", 0, -1)
    ]  # fmt: skip
    for letter in letters:
        with pytest.raises(LetterFromElsewhere):
            await desk.redrive(letter)
    assert await told(desk.servers, unheard) == []


async def test_dead_letters_are_read_past_the_ends_of_transactions(desk: Desk) -> None:
    """Which have places in the topic, and are no records."""
    topic, key = f"{desk.topics[0]}.dead_letter", uuid4().hex
    producer = AIOKafkaProducer(bootstrap_servers=desk.servers, transactional_id=key)
    async with producer, producer.transaction():
        sent = await producer.send_and_wait(topic, b"{", key=key.encode(), partition=0)
    [letter] = await desk.dead_letters(key)
    assert (letter.place.partition, letter.place.offset) == (0, sent.offset)
    with pytest.raises(DeadLetterNotFound):
        await desk.letters.get(0, sent.offset + 1)


async def test_a_dead_letter_that_is_put_back_and_still_bad_is_a_dead_letter_again(desk: Desk) -> None:
    order_id = await desk.an_order()
    first = await desk.send(b"{", headers(), key=order_id)
    await until(lambda: desk.has_dead_letters(order_id, 1))
    await desk.redrive((await desk.dead_letters(order_id))[0])
    await until(lambda: desk.has_dead_letters(order_id, 2))
    before, after = await desk.dead_letters(order_id)
    assert (before.topic, before.partition, before.offset) == first
    assert after.offset > before.offset
    assert (after.topic, after.partition, after.cause) == (before.topic, before.partition, before.cause)
    assert (after.value, after.headers) == (before.value, before.headers)


async def test_a_dead_letter_that_was_cut_stays_where_it_is(desk: Desk) -> None:
    order_id = await desk.an_order()
    await desk.send(b"x" * 2_000_000, headers(), key=order_id)
    await until(lambda: desk.has_dead_letters(order_id, 1))
    [letter] = await desk.dead_letters(order_id)
    assert letter.cut
    with pytest.raises(LetterCut):
        await desk.redrive(letter)
    await until(desk.everything_is_heard)
    assert [record.key for record in await told(desk.servers, desk.payments)].count(order_id.encode()) == 1


async def test_the_same_message_a_hundred_times_has_one_effect(desk: Desk) -> None:
    order_id = await desk.an_order()
    for _ in range(100):
        await desk.pay(order_id, "1.00", payment_id="again", message_id=f"again {order_id}")
    await desk.pay(order_id, "2.00", payment_id="last")
    await until(lambda: desk.shows([order_id], captured="3.00", processing_status="PROCESSED"))
    assert (await desk.order(order_id))["version"] == 4  # placed, processed, and two payments
    assert await desk.dead_letters(order_id) == []


@pytest.mark.parametrize("ids", [(b"x" * 600 + b"1", b"x" * 600 + b"2"), (b"\xfe", b"\xff")], ids=["long", "no text"])
async def test_two_messages_whose_names_are_nearly_the_same_are_two(desk: Desk, ids: tuple[bytes, bytes]) -> None:
    order_id = await desk.an_order()
    for number, message_id in enumerate(ids):
        value = encoded(order_id, payment_id=f"payment-{number}")
        await desk.send(value, headers(ce_id=message_id, ce_source=f"/tests/{order_id}"), key=order_id)
    await until(desk.everything_is_heard)
    heard = [payment["payment_id"] for payment in (await desk.order(order_id))["payments"]]
    # That one is refused would be all right; that it vanishes is not.
    assert len(heard) + len(await desk.dead_letters(order_id)) == 2


async def test_the_topics_told_and_heard_again_change_nothing(desk: Desk, fleet: Fleet) -> None:
    orders = [await desk.an_order() for _ in range(4)]
    for order_id in orders:
        await desk.pay(order_id, "10.00")
    await until(lambda: desk.shows(orders, status="PAID", processing_status="PROCESSED"))
    for order_id in orders[:2]:
        await desk.dispatch(order_id, f"parcel of {order_id}")
    await until(lambda: desk.shows(orders[:2], status="SHIPPED"))
    await until(desk.everything_is_heard)
    before = await desk.tables(orders)
    keys = {order_id.encode() for order_id in orders}

    for topic in desk.topics:
        records = [record for record in await told(desk.servers, topic) if record.key in keys]
        for _ in range(3):
            for record in records:
                await desk.send(record.value, list(record.headers), key=record.key.decode(), topic=topic)
    await until(desk.everything_is_heard)
    assert await desk.tables(orders) == before

    fleet.stop("consumer")
    await desk.hear_from_the_beginning()
    assert not await desk.everything_is_heard()
    fleet.start("consumer")
    await until(desk.everything_is_heard)
    assert await desk.tables(orders) == before
    assert [await desk.dead_letters(order_id) for order_id in orders] == [[]] * len(orders)


async def test_money_that_comes_late_or_is_too_much_is_recorded_and_owed_back_and_given_back(desk: Desk) -> None:
    late, surplus = await desk.an_order(), await desk.an_order()
    await desk.cancel(late)
    await desk.pay(late, "10.00")
    await desk.pay(surplus, "12.50")
    await until(lambda: desk.shows([late], status="CANCELED", captured="10.00", refund_due="10.00"))
    await until(lambda: desk.shows([surplus], status="PAID", captured="12.50", refund_due="2.50"))

    await desk.refund(late, "10.00")
    await desk.refund(surplus, "1.00")
    await until(lambda: desk.shows([late], status="CANCELED", refunded="10.00", refund_due="0.00"))
    await until(lambda: desk.shows([surplus], status="PAID", refunded="1.00", refund_due="1.50"))
    assert await desk.dead_letters(late) == []
    assert await desk.dead_letters(surplus) == []


@pytest.mark.parametrize("size", [600_000, 2_000_000])
async def test_a_bad_one_that_is_large_all_over_is_kept_too_and_holds_up_nobody(desk: Desk, size: int) -> None:
    """Not its value alone is what the dead letters' topic has no room for. Here last, for all that it could stop."""
    order_id = await desk.an_order()
    await desk.send(b"x" * 500_000, [*headers(), ("trace", b"x" * size)], key=order_id)
    await desk.pay(order_id, "10.00")
    await until(lambda: desk.shows([order_id], status="PAID"))
    assert [letter.cause for letter in await desk.dead_letters(order_id)] == ["not-json"]


async def test_what_is_not_heard_yet_is_counted_by_topic(desk: Desk) -> None:
    cluster, unheard = Cluster(servers=[desk.servers]), f"unheard-{uuid4().hex[:8]}"
    await make_topics(desk.servers, [unheard])
    for _ in range(3):
        await desk.send(b"{}", headers(), key=uuid4().hex, topic=unheard)
    await until(desk.everything_is_heard)
    assert await consumer_lag(cluster, [*desk.topics, unheard]) == {**dict.fromkeys(desk.topics, 0), unheard: 3}
    assert await DeadLetters(cluster, topic="no-such-topic", heard=()).extent() == {}
