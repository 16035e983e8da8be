"""The relay's part of a trace: an event that belongs to one is told inside of it."""

from collections.abc import Sequence
from dataclasses import replace

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, get_current_span

from adapters.telemetry.contexts import context_of, is_sampled, traceparent_of
from adapters.telemetry.tracing import Attributes, Tracing, tell_failure
from order_service.ports import EventPublisher, LoggedEvent


class TracedPublisher:
    """Publishes as `publisher` does. A span for each event whose trace is recorded, which is where the trace goes on
    from, and one for the batch, in a trace of its own, with links to those events.
    """

    def __init__(self, publisher: EventPublisher, tracing: Tracing, *, system: str, destination: str) -> None:
        self._publisher = publisher
        self._tracing = tracing
        self._name = f"send {destination}"
        self._attributes: Attributes = {
            "messaging.system": system,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": destination,
        }

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        if not self._tracing.is_on or all(event.trace is None for event in events):
            return await self._publisher.publish(events)
        contexts = [context_of(event.trace) if event.trace else None for event in events]
        recorded = [context for context in contexts if context is not None and is_sampled(context)]
        if not recorded:
            return await self._publisher.publish(events)
        with self._tracing.batch("relay events", links=_links(recorded), size=len(events)):
            spans = [self._span(event, of) for event, of in zip(events, contexts, strict=True)]
            told = [_inside(event, span) for event, span in zip(events, spans, strict=True)]
            await self._told(told, [span for span in spans if span is not None])
        return None

    def _span(self, event: LoggedEvent, of: Context | None) -> Span | None:
        if of is None:
            return None
        known = {"order.id": str(event.order_id), "messaging.message.id": str(event.id), "event.type": event.type}
        return self._tracing.begun(
            self._name, of=of, kind=SpanKind.PRODUCER, attributes={**self._attributes, **known}
        )

    async def _told(self, events: Sequence[LoggedEvent], spans: Sequence[Span]) -> None:
        try:
            await self._publisher.publish(events)
        except BaseException as error:
            for span in spans:
                tell_failure(span, error)
            raise
        finally:
            for span in spans:
                span.end()


def _inside(event: LoggedEvent, span: Span | None) -> LoggedEvent:
    return event if span is None else replace(event, trace=traceparent_of(span.get_span_context()))


def _links(contexts: Sequence[Context]) -> list[Link]:
    return [Link(get_current_span(context).get_span_context()) for context in contexts]
