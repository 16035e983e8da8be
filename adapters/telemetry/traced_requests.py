"""Around the HTTP application: a request goes on in the trace that its client names, or one begins with it."""

from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from adapters.telemetry.asgi import METHODS, App, Message, Receive, Send
from adapters.telemetry.contexts import context_of
from adapters.telemetry.tracing import Tracing

_UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})


class TracedRequests:
    """`request_id` gives the id of the request that is being answered, once the application knows it."""

    def __init__(self, app: App, tracing: Tracing, *, request_id: Callable[[], str | None]) -> None:
        self._app = app
        self._tracing = tracing
        self._request_id = request_id

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            return await self._app(scope, receive, send)
        of = _named_by_client(scope)
        if of is None and not self._tracing.is_on:
            return await self._app(scope, receive, send)
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with self._tracing.entered(
            method,
            kind=SpanKind.SERVER,
            of=of,
            begins=True,
            attributes=lambda: {"http.request.method": method, "url.scheme": scope.get("scheme", "http")},
        ) as span:
            if span is None:
                return await self._app(scope, receive, send)
            await self._traced(span, method, scope, receive, send)
        return None

    async def _traced(self, span: Span, method: str, scope: Any, receive: Receive, send: Send) -> None:
        async def send_and_tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell_status(span, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_and_tell)
        finally:
            route = scope.get("path_template")  # known by now; what has none may be named anything by a client
            if route:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            request_id = self._request_id()
            if request_id:
                span.set_attribute("request_id", request_id)


def _named_by_client(scope: Any) -> Context | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return context_of(value.decode("latin-1"), _tracestate(scope))
    return None


def _tracestate(scope: Any) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"tracestate")


def _tell_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
