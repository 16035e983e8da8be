"""What is recorded, what is only passed on, and what is no trace at all."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from adapters.kafka.hearing import Hearing
from adapters.telemetry.contexts import context_of, current_trace
from adapters.telemetry.exporting import traces_to
from adapters.telemetry.spans import around_jobs, around_messages, around_queries
from adapters.telemetry.traced_publisher import TracedPublisher
from adapters.telemetry.traced_requests import TracedRequests
from adapters.telemetry.tracing import UNTRACED, Collector, Tracing
from composition.logs import JsonLines
from order_service.domain.errors import DependencyUnavailable, OrderNotFound
from order_service.ports import LoggedEvent, LogPosition
from tests.fleet.collector import collecting
from tests.fleet.waiting import until
from tests.in_memory.events import ListPublisher

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RECORDED, UNRECORDED = f"00-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-00"
NO_TRACES = [
    "",
    "x" * 60,
    "00",
    RECORDED.upper(),
    RECORDED + "-more",
    f"ff-{TRACE}-{CALLER}-01",
    f"00-{'0' * 32}-{CALLER}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"{RECORDED}{'x' * 10_000}",
    f"00-{TRACE}-{CALLER}-\u00e9\u00e9",
]


@pytest.fixture
def recorded() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(recorded: InMemorySpanExporter) -> Iterator[Tracing]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(recorded))
    yield Tracing(provider.get_tracer("tests"))
    provider.shutdown()


@pytest.mark.parametrize("text", NO_TRACES)
def test_what_is_no_traceparent_is_none(text: str) -> None:
    assert context_of(text) is None


async def asked(
    tracing: Tracing, *, headers: dict[str, str] | None = None, path: str = "/x/7", status: int = 200
) -> str | None:
    """The trace in which an application is asked."""
    seen: list[str | None] = []

    async def app(scope: Any, _: Any, send: Any) -> None:
        scope["path_template"] = "/x/{id}"
        seen.append(current_trace())
        await send({"type": "http.response.start", "status": status})

    async def nothing(_: Any = None) -> None:
        pass

    sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": sent}
    await TracedRequests(app, tracing, request_id=lambda: "r-1")(scope, nothing, nothing)
    assert current_trace() is None
    return seen[0]


async def test_a_request_goes_on_in_the_trace_of_its_client(tracing: Tracing, recorded: InMemorySpanExporter) -> None:
    trace = await asked(tracing, headers={"traceparent": RECORDED, "tracestate": "shop=1"})
    (span,) = recorded.get_finished_spans()
    assert trace == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == CALLER
    assert (span.name, span.kind) == ("GET /x/{id}", SpanKind.SERVER)
    assert span.context.trace_state.get("shop") == "1"


@pytest.mark.parametrize("headers", [{}, {"traceparent": "nonsense"}], ids=["without", "nonsense"])
async def test_a_trace_begins_with_a_request_of_none(
    tracing: Tracing, recorded: InMemorySpanExporter, headers: dict[str, str]
) -> None:
    assert await asked(tracing, headers=headers) is not None
    (span,) = recorded.get_finished_spans()
    assert span.parent is None


async def test_what_a_client_does_not_record_is_not_recorded_and_passed_on(
    tracing: Tracing, recorded: InMemorySpanExporter
) -> None:
    assert await asked(tracing, headers={"traceparent": UNRECORDED}) == UNRECORDED
    assert not recorded.get_finished_spans()


@pytest.mark.parametrize("trace", [RECORDED, UNRECORDED])
async def test_without_a_collector_a_trace_is_passed_on_as_it_came(trace: str) -> None:
    assert await asked(UNTRACED, headers={"traceparent": trace}) == trace
    assert await asked(UNTRACED) is None


async def test_of_what_begins_here_a_part_is_recorded_and_the_rest_leaves_nothing() -> None:
    tracing = Tracing(TracerProvider(shutdown_on_exit=False).get_tracer("tests"), ratio=0.0)
    assert await asked(tracing) is None
    assert (await asked(tracing, headers={"traceparent": RECORDED}) or "").startswith(f"00-{TRACE}-")


async def test_who_asks_whether_the_service_is_well_is_not_traced(
    tracing: Tracing, recorded: InMemorySpanExporter
) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert await asked(tracing, path=path) is None
    assert not recorded.get_finished_spans()


async def test_a_failure_is_told_by_its_kind_alone(tracing: Tracing, recorded: InMemorySpanExporter) -> None:
    await asked(tracing, status=503)
    for error in (DependencyUnavailable("PostgreSQL"), ValueError("ann@example.com"), OrderNotFound()):
        with pytest.raises(type(error)), around_jobs(tracing, queue="orders")(uuid4(), RECORDED):
            raise error
    told = [(span.attributes or {})["error.type"] for span in recorded.get_finished_spans() if not span.status.is_ok]
    assert told == ["503", "DependencyUnavailable", "ValueError"]
    assert "ann@" not in "".join(span.to_json() for span in recorded.get_finished_spans())


def test_a_part_is_recorded_only_inside_of_a_trace(tracing: Tracing, recorded: InMemorySpanExporter) -> None:
    query = around_queries(tracing)
    for trace in (None, UNRECORDED, RECORDED):
        with tracing.resumed(trace), query("SELECT orders"):
            pass
    (span,) = recorded.get_finished_spans()
    assert span.name == "SELECT orders"
    assert (span.attributes or {})["db.system.name"] == "postgresql"


class Told:
    """As much of a record as is looked at."""

    def __init__(self, topic: str, *headers: tuple[str, bytes | None]) -> None:
        self.topic, self.headers = topic, headers
        self.partition, self.offset, self.key = 0, 7, None


class NoLetters:
    async def put(self, record: Any, *, cause: str, detail: str) -> None:
        raise AssertionError(cause)


@pytest.mark.parametrize("header", [b"nonsense", b"\xff\xfe", b"", None, RECORDED.encode() * 9])
async def test_a_message_with_a_malformed_trace_is_heard_like_one_without(
    tracing: Tracing, header: bytes | None
) -> None:
    heard: list[str | None] = []

    async def hear(_: Any) -> None:
        heard.append(current_trace())

    around = around_messages(tracing, own_topic="orders", group_of=str)
    hearing = Hearing(hear, NoLetters(), around=around)
    await hearing([Told("orders", ("traceparent", header)), Told("orders", ("traceparent", RECORDED.encode()))])
    assert heard[0] is None  # of the service's own events, in which no trace begins
    assert (heard[1] or "").startswith(f"00-{TRACE}-")
    await hearing([Told("payments", ("traceparent", header))])
    assert heard[2] is not None
    assert TRACE not in heard[2]


def an_event(seq: int, trace: str | None) -> LoggedEvent:
    return LoggedEvent(
        at=LogPosition(1, seq),
        id=uuid4(),
        order_id=UUID(int=7),
        seq=seq,
        type="order.placed",
        payload=b"{}",
        occurred_at=datetime(2026, 3, 2, tzinfo=UTC),
        trace=trace,
    )


async def test_an_event_is_told_in_a_span_of_its_own_and_one_that_is_not_recorded_as_it_is(
    tracing: Tracing, recorded: InMemorySpanExporter
) -> None:
    told = ListPublisher()
    events = [an_event(1, None), an_event(2, UNRECORDED), an_event(3, RECORDED), an_event(4, "nonsense")]
    await TracedPublisher(told, tracing, system="kafka", destination="orders").publish(events)
    sent, batch = recorded.get_finished_spans()
    assert (sent.name, batch.name) == ("send orders", "relay events")
    assert [f"{link.context.span_id:016x}" for link in batch.links] == [CALLER]
    traces = [event.trace for event in told.published]
    assert traces == [None, UNRECORDED, f"00-{TRACE}-{sent.context.span_id:016x}-01", "nonsense"]


async def test_events_that_cannot_be_told_are_told_later_in_another_span(
    tracing: Tracing, recorded: InMemorySpanExporter
) -> None:
    told = ListPublisher()
    publisher = TracedPublisher(told, tracing, system="kafka", destination="orders")
    told.broken = DependencyUnavailable("Kafka")
    with pytest.raises(DependencyUnavailable):
        await publisher.publish([an_event(1, RECORDED)])
    told.broken = None
    await publisher.publish([an_event(1, RECORDED)])
    assert [span.status.is_ok for span in recorded.get_finished_spans() if span.kind is SpanKind.PRODUCER] == [
        False,
        True,
    ]


def test_a_line_of_the_log_names_the_trace_that_it_belongs_to() -> None:
    def line() -> dict[str, str]:
        record = logging.LogRecord("adapters.x", logging.INFO, __file__, 1, "said", (), None)
        found: dict[str, str] = json.loads(JsonLines().format(record))
        return found

    with UNTRACED.resumed(RECORDED):
        assert line()["trace_id"] == TRACE
        assert line()["span_id"] == CALLER
    assert "trace_id" not in line()


async def test_a_collector_that_does_not_answer_delays_nothing_and_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracing = traces_to(Collector(endpoint="http://127.0.0.1:9", ratio=1.0), role="api", version="1")
    with caplog.at_level(logging.WARNING):
        for _ in range(5_000):  # twice as many as wait for it at most
            await asked(tracing)
        await asyncio.sleep(0)
        began = time.monotonic()
        tracing.close()
        assert time.monotonic() - began < 4

        async def nobody_tries_any_longer() -> bool:
            return "OtelBatchSpanRecordProcessor" not in {thread.name for thread in threading.enumerate()}

        await until(nobody_tries_any_longer)
    assert len([record for record in caplog.records if record.name.startswith("opentelemetry")]) <= 1


async def test_what_is_left_is_sent_at_the_end() -> None:
    with collecting() as collector:
        tracing = traces_to(Collector(endpoint=f"{collector.endpoint}/", ratio=1.0), role="api", version="1")
        await asked(tracing)
        tracing.close()
        assert [(span.service, span.name) for span in collector.spans] == [("order-service-api", "GET /x/{id}")]
