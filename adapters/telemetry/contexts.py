"""Where a trace stands, as text of W3C's Trace Context, and back: what travels in headers, in the log and in jobs.

What is no `traceparent` is as good as none. Which trace something belongs to is never a reason to refuse it.
"""

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()
_LONGEST = 512


def current_trace() -> str | None:
    """The `traceparent` of what is being done; None outside of any trace."""
    here = get_current_span().get_span_context()
    return traceparent_of(here) if here.is_valid else None


def traceparent_of(place: SpanContext) -> str:
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags:02x}"


def current_ids() -> tuple[str, str] | None:
    """Of the trace and of the span, for a line of the log."""
    here = get_current_span().get_span_context()
    return (f"{here.trace_id:032x}", f"{here.span_id:016x}") if here.is_valid else None


def context_of(traceparent: str, tracestate: str = "") -> Context | None:
    """To go on in; None if this is no place in a trace."""
    if not 55 <= len(traceparent) <= _LONGEST:
        return None
    carrier = {"traceparent": traceparent}
    if tracestate and len(tracestate) <= _LONGEST:
        carrier["tracestate"] = tracestate
    context = _W3C.extract(carrier, Context())
    return context or None


def is_sampled(context: Context | None = None) -> bool:
    """Whether the trace is recorded: of this context, or of what is being done."""
    return get_current_span(context).get_span_context().trace_flags.sampled
