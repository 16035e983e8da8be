"""One order, through every process: what is recorded of it is one tree."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.fleet.collector import Collector, Exported, collecting
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.fleet.topics import send, told
from tests.fleet.waiting import until
from tests.services.server import free_port

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 3, "unit_price": "4.50"}]}
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5  # as OTLP numbers the kinds of spans


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
async def traced_fleet(tmp_path: Path, environment: dict[str, str], collector: Collector) -> AsyncIterator[Fleet]:
    environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with Fleet(tmp_path, environment, port=free_port()) as roles:
        roles.start()
        await asyncio.to_thread(roles.until_ready)
        yield roles


async def test_what_is_recorded_of_an_order_is_one_tree(
    traced_fleet: Fleet, environment: dict[str, str], collector: Collector
) -> None:
    topic, trace, client = environment["KAFKA_TOPIC"], secrets.token_hex(16), secrets.token_hex(8)
    async with httpx.AsyncClient(base_url=traced_fleet.address, timeout=10) as http:
        ann = await a_customer(http)
        ours = await _placed(http, ann)
        theirs = await _placed(http, ann | {"traceparent": f"00-{trace}-{client}-01", "X-Request-Id": "ann-1"})
    await until(lambda: _is_over(collector, ours, root=""))
    await until(lambda: _is_over(collector, theirs, root=client))

    of_a_client = collector.of(trace)
    _assert_is_a_tree_of(of_a_client, topic, root=client)
    [request] = [span for span in of_a_client.values() if span.kind == SERVER]
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/orders",
        "http.response.status_code": 201,
        "url.scheme": "http",
        "request_id": "ann-1",
    }
    [began_here] = {span.trace for span in collector.about(ours)}
    _assert_is_a_tree_of(collector.of(began_here), topic, root="")

    batches = [span for span in collector.spans if span.name == "relay events"]
    assert of_a_client.keys() & {link for batch in batches for link in batch.links}
    assert all(batch.trace not in {trace, began_here} for batch in batches)


async def test_what_is_told_in_a_trace_goes_on_in_it(
    traced_fleet: Fleet, environment: dict[str, str], collector: Collector, kafka_bootstrap_servers: str
) -> None:
    topic, payments = environment["KAFKA_TOPIC"], environment["KAFKA_PAYMENTS_TOPIC"]
    async with httpx.AsyncClient(base_url=traced_fleet.address, timeout=10) as http:
        order_id = await _placed(http, await a_customer(http))
    trace, teller = secrets.token_hex(16), secrets.token_hex(8)
    headers = [*PAID, ("traceparent", f"00-{trace}-{teller}-01".encode())]
    await send(kafka_bootstrap_servers, payments, _a_payment(order_id), headers, key=order_id.encode())
    await until(lambda: _is_heard_of(collector, trace, topic, root=teller))
    tree = collector.of(trace)
    assert {f"process {payments}", "RecordPayment", "COMMIT", f"send {topic}"} <= {
        span.name for span in tree.values()
    }


async def test_a_trace_that_is_not_recorded_is_passed_on_and_what_is_no_trace_is_none(
    traced_fleet: Fleet, environment: dict[str, str], collector: Collector, kafka_bootstrap_servers: str
) -> None:
    topic, payments = environment["KAFKA_TOPIC"], environment["KAFKA_PAYMENTS_TOPIC"]
    trace = secrets.token_hex(16)
    unrecorded = f"00-{trace}-{secrets.token_hex(8)}-00"
    async with httpx.AsyncClient(base_url=traced_fleet.address, timeout=10) as http:
        ann = await a_customer(http)
        order_id = await _placed(http, ann | {"traceparent": unrecorded})
        await until(lambda: _reads(http, ann, order_id, processing_status="PROCESSED"))
        headers = [*PAID, ("traceparent", b"\xff no trace")]
        await send(kafka_bootstrap_servers, payments, _a_payment(order_id), headers, key=order_id.encode())
        await until(lambda: _reads(http, ann, order_id, status="PAID"))
        await until(lambda: _is_told(kafka_bootstrap_servers, topic, "order.paid"))
    records = [dict(record.headers) for record in await told(kafka_bootstrap_servers, topic)]
    traces = {record["ce_type"].decode(): record.get("traceparent", b"").decode() for record in records}
    assert traces["order.placed"] == traces["order.processed"] == unrecorded
    assert not collector.of(trace)


async def test_what_is_not_sent_yet_is_sent_when_a_process_stops(
    tmp_path: Path, environment: dict[str, str], collector: Collector, kafka_bootstrap_servers: str
) -> None:
    later = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with Fleet(tmp_path, environment | later, port=free_port()) as roles:
        roles.start()
        await asyncio.to_thread(roles.until_ready)
        async with httpx.AsyncClient(base_url=roles.address, timeout=10) as http:
            order_id = await _placed(http, await a_customer(http))
        await until(lambda: _is_told(kafka_bootstrap_servers, environment["KAFKA_TOPIC"], "order.processed"))
        assert not collector.spans
        await asyncio.to_thread(roles.stop, "api", "worker", "relay", "consumer")
    assert {span.service for span in collector.about(order_id)} >= {"order-service-relay", "order-service-worker"}
    [trace] = {span.trace for span in collector.about(order_id)}
    tree = collector.of(trace)
    assert _missing(tree) == {""}
    assert {span.service.rpartition("-")[2] for span in tree.values()} == {"api", "relay", "consumer", "worker"}


async def _placed(http: httpx.AsyncClient, headers: dict[str, str]) -> str:
    return str((await http.post("/api/v1/orders", json=AN_ORDER, headers=headers)).json()["id"])


def _assert_is_a_tree_of(tree: Mapping[str, Exported], topic: str, *, root: str) -> None:
    """From the request to the last that followed from it: `order.processed`, told and heard."""
    assert _missing(tree) == {root}
    found = {(span.service.removeprefix("order-service-"), span.kind, span.name) for span in tree.values()}
    assert {
        ("api", SERVER, "POST /api/v1/orders"),
        ("api", 1, "PlaceOrder"),
        ("api", CLIENT, "COMMIT"),
        ("relay", PRODUCER, f"send {topic}"),
        ("consumer", CONSUMER, f"process {topic}"),
        ("consumer", 1, "FollowOrder"),
        ("consumer", CLIENT, "SELECT orders"),
        ("worker", CONSUMER, "process orders"),
        ("worker", 1, "ProcessOrder"),
        ("worker", CLIENT, "COMMIT"),
    } <= found, found
    (last,) = [span for span in tree.values() if span.attributes.get("event.type") == "order.processed"]
    path = [span.name for span in _up_from(tree, last)]
    assert path == [
        f"send {topic}",
        "ProcessOrder",
        "process orders",
        "FollowOrder",
        f"process {topic}",
        f"send {topic}",
        "PlaceOrder",
        "POST /api/v1/orders",
    ]
    assert not any(span.is_error for span in tree.values())


def _up_from(tree: Mapping[str, Exported], span: Exported) -> list[Exported]:
    above = tree.get(span.parent)
    return [span] if above is None else [span, *_up_from(tree, above)]


async def _is_over(collector: Collector, order_id: str, root: str) -> bool:
    """`order.processed` is told and heard, and of every span that is there the parent is, too."""
    last = [span for span in collector.about(order_id) if span.attributes.get("event.type") == "order.processed"]
    if not last:
        return False
    tree = collector.of(last[0].trace)
    return any(span.parent == last[0].id for span in tree.values()) and _missing(tree) == {root}


async def _is_heard_of(collector: Collector, trace: str, topic: str, root: str) -> bool:
    """The service itself has heard the event that came of it."""
    tree = collector.of(trace)
    return any(span.name == f"process {topic}" for span in tree.values()) and _missing(tree) == {root}


def _missing(tree: Mapping[str, Exported]) -> set[str]:
    return {span.parent for span in tree.values()} - tree.keys()


async def _is_told(kafka: str, topic: str, kind: str) -> bool:
    return any(dict(record.headers)["ce_type"] == kind.encode() for record in await told(kafka, topic))


async def _reads(http: httpx.AsyncClient, who: dict[str, str], order_id: str, **expected: str) -> bool:
    found = (await http.get(f"/api/v1/orders/{order_id}", headers=who)).json()
    return all(found.get(name) == value for name, value in expected.items())


PAID = [
    ("ce_specversion", b"1.0"),
    ("ce_source", b"/tests"),
    ("ce_type", b"payment.captured"),
    ("ce_id", b"1"),
]


def _a_payment(order_id: str) -> bytes:
    return (
        f'{{"payment_id": "pay-{order_id}", "order_id": "{order_id}", "amount": "13.50", "currency": "EUR",'
        ' "captured_at": "2026-01-01T00:00:00Z"}'
    ).encode()
