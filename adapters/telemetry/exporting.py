"""The way out: spans to a collector over OTLP, in batches, from a thread of their own.

Nothing waits for the collector. While it does not answer, spans are dropped, and the log says so once a minute.
"""

import logging
import threading
import time
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from adapters.telemetry.tracing import Collector, Tracing

_NAMESPACE = "order-service"
_FLUSH_SECONDS = 2.0
_SECONDS_BETWEEN_LINES = 60.0


def traces_to(collector: Collector, *, role: str, version: str) -> Tracing:
    """To be made in the process that works, after every fork: it has a thread of its own.

    Where a trace begins it is decided whether it is recorded, and that holds wherever it goes on.
    """
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON),
        resource=Resource.create(
            {
                "service.namespace": _NAMESPACE,
                "service.name": f"{_NAMESPACE}-{role}",
                "service.version": version,
                "service.instance.id": str(uuid4()),
            }
        ),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{collector.endpoint.rstrip('/')}/v1/traces", headers=collector.headers)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _let_it_complain_rarely()

    def close() -> None:
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(_FLUSH_SECONDS)
        if ending.is_alive():
            # Else it tries again and again for half a minute, though the process may live on.
            exporter.shutdown()  # type: ignore[no-untyped-call]  # the library has no annotation here

    return Tracing(provider.get_tracer(_NAMESPACE, version), ratio=collector.ratio, close=close)


class _Rarely(logging.Filter):
    """Lets one line pass in a minute, whatever it says."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if record.levelno < logging.WARNING or now < self._silent_until:
            return False
        self._silent_until = now + _SECONDS_BETWEEN_LINES
        return True


_RARELY = _Rarely()


def _let_it_complain_rarely() -> None:
    """Else each attempt would be a line or two, and each span that finds no room a line, written or not."""
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").addFilter(_RARELY)
    logging.getLogger("opentelemetry.sdk._shared_internal").setLevel(logging.ERROR)
