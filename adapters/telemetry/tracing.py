"""Spans: what is recorded of one piece of work, and what of a trace goes on from there.

A span begins only inside of a trace that is recorded, or where a trace may begin: at the edges, where somebody asks
or tells. So what nobody traces costs a look at what is being done, and no more.

There is nothing personal in a span: no address, no header, no text of an error, no values of a statement.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from dataclasses import dataclass, field
from random import random
from types import TracebackType

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from adapters.telemetry.contexts import context_of, is_sampled
from order_service.domain.errors import DependencyUnavailable, OrderServiceError

Attributes = Mapping[str, str | int]

_NOTHING = nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """`endpoint`: where OTLP over HTTP is spoken, without the path. `ratio`: of the traces that begin here, 0..1.

    `headers` are sent with each request, and secret.
    """

    endpoint: str
    ratio: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Tracing:
    """Without a `tracer` nothing is recorded; who comes with a trace still has it passed on.

    `ratio`: of the traces that begin here, which part is recorded. It is drawn here: the SDK would make a span first.
    """

    def __init__(
        self, tracer: Tracer | None = None, *, ratio: float = 1.0, close: Callable[[], None] = lambda: None
    ) -> None:
        self._tracer = tracer
        self._ratio = ratio
        self.is_on = tracer is not None
        self.close = close
        """Sends what is left, for two seconds at most. Nothing is recorded any more then."""

    def inside(
        self, name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None
    ) -> AbstractContextManager[object]:
        """Around a part of what is being done."""
        if self._tracer is None or not is_sampled():
            return _NOTHING
        return Active(self._tracer.start_span(name, kind=kind, attributes=attributes))

    def entered(
        self,
        name: str,
        *,
        kind: SpanKind,
        of: Context | None,
        begins: bool,
        attributes: Callable[[], Attributes],
    ) -> AbstractContextManager[Span | None]:
        """Around what comes from outside, with a trace (`of`) or without. `begins`: then one may begin here."""
        if of is None:
            if self._tracer is None or not begins or random() >= self._ratio:  # noqa: S311 - nobody gains by guessing
                return _NOTHING
        elif self._tracer is None or not is_sampled(of):
            return Attached(of)
        return Active(self._tracer.start_span(name, context=of or Context(), kind=kind, attributes=attributes()))

    def resumed(self, trace: str | None) -> AbstractContextManager[object]:
        """Around what belongs to a trace, without a span of its own."""
        of = None if trace is None else context_of(trace)
        return _NOTHING if of is None else Attached(of)

    def begun(self, name: str, *, of: Context, kind: SpanKind, attributes: Attributes) -> Span | None:
        """A span that is ended by whoever asked; what is done meanwhile is not inside of it."""
        if self._tracer is None or not is_sampled(of):
            return None
        return self._tracer.start_span(name, context=of, kind=kind, attributes=attributes)

    def batch(self, name: str, *, links: Sequence[Link], size: int) -> AbstractContextManager[object]:
        """Around what is done for many at once, in a trace of its own, recorded because some of theirs are."""
        if self._tracer is None:
            return _NOTHING
        attributes = {"messaging.batch.message_count": size}
        return Active(self._tracer.start_span(name, context=Context(), links=links, attributes=attributes))


UNTRACED = Tracing()


class Attached:
    """Within, what is being done belongs to this context."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._token: Token[Context] = attach(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        detach(self._token)


class Active:
    """Within, this span is what is being done. It tells which kind of failure ended it, and not in which words."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token: Token[Context] = attach(set_span_in_context(self._span, Context()))
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        detach(self._token)
        if error is not None:
            tell_failure(self._span, error)
        self._span.end()


def tell_failure(span: Span, error: BaseException) -> None:
    """A refusal has a name and is no failure of ours; nor is somebody who did not wait."""
    is_refusal = isinstance(error, OrderServiceError) and not isinstance(error, DependencyUnavailable)
    span.set_attribute("error.type", type(error).__qualname__)
    if isinstance(error, Exception) and not is_refusal:
        span.set_status(Status(StatusCode.ERROR))
