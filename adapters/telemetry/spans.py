"""Which spans there are inside of the service, as OpenTelemetry's conventions call them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanKind

from adapters.telemetry.contexts import context_of
from adapters.telemetry.tracing import Attributes, Tracing

Headers = Sequence[tuple[str, bytes]]


def around_queries(tracing: Tracing) -> Callable[[str], AbstractContextManager[object]]:
    """For what is asked of PostgreSQL, in words like `SELECT orders`: what is waited for, not the statement itself,
    which is shared by many requests.
    """

    def around(summary: str) -> AbstractContextManager[object]:
        return tracing.inside(summary, kind=SpanKind.CLIENT, attributes=_query(summary))

    return around


@lru_cache(maxsize=100)
def _query(summary: str) -> Attributes:
    operation = summary.partition(" ")[0]
    return {"db.system.name": "postgresql", "db.operation.name": operation, "db.query.summary": summary}


def around_use_cases(tracing: Tracing) -> Callable[[type], Callable[[], AbstractContextManager[object]]]:
    def watch(use_case: type) -> Callable[[], AbstractContextManager[object]]:
        name = use_case.__name__
        return lambda: tracing.inside(name)

    return watch


def around_messages(
    tracing: Tracing, *, own_topic: str, group_of: Callable[[str], str]
) -> Callable[[Any], AbstractContextManager[object]]:
    """For aiokafka's records. With what the service itself told no trace begins: what led to it was not recorded."""

    def around(record: Any) -> AbstractContextManager[object]:
        def attributes() -> Attributes:
            return {
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": record.topic,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                "messaging.consumer.group.name": group_of(record.topic),
            }

        return tracing.entered(
            f"process {record.topic}",
            kind=SpanKind.CONSUMER,
            of=_context_in(record.headers),
            begins=record.topic != own_topic,
            attributes=attributes,
        )

    return around


def _context_in(headers: Headers) -> Any:
    for name, value in headers:
        if name == "traceparent":
            return context_of((value or b"").decode("latin-1"))
    return None


def around_jobs(tracing: Tracing, *, queue: str) -> Callable[[UUID, str | None], AbstractContextManager[object]]:
    """For an order that is processed, and the trace in which that was asked for."""

    def around(order_id: UUID, trace: str | None) -> AbstractContextManager[object]:
        return tracing.entered(
            f"process {queue}",
            kind=SpanKind.CONSUMER,
            of=None if trace is None else context_of(trace),
            begins=False,
            attributes=lambda: {
                "messaging.system": "dramatiq",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": queue,
                "order.id": str(order_id),
            },
        )

    return around
