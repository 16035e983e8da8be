"""A stand-in for an OpenTelemetry collector: takes spans over OTLP/HTTP, and keeps them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Exported:
    """A span, as it came. `parent` is empty for the first of a trace."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, Any]
    is_error: bool


class Collector(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.spans: list[Exported] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, trace: str) -> dict[str, Exported]:
        """The spans of a trace, by id."""
        return {span.id: span for span in tuple(self.spans) if span.trace == trace}

    def about(self, order_id: str) -> list[Exported]:
        """The spans that name this order."""
        return [span for span in tuple(self.spans) if span.attributes.get("order.id") == order_id]

    def keep(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            of_process = {each.key: each.value.string_value for each in group.resource.attributes}
            for scope in group.scope_spans:
                self.spans.extend(_exported(of_process["service.name"], span) for span in scope.spans)


def _exported(service: str, span: Any) -> Exported:
    return Exported(
        service=service,
        name=span.name,
        kind=span.kind,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        attributes={
            each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
            for each in span.attributes
        },
        is_error=span.status.code == span.status.STATUS_CODE_ERROR,
    )


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert self.path == "/v1/traces"
        assert self.headers["Content-Type"] == "application/x-protobuf"
        self.server.keep(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()
