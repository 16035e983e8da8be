"""Traces of a process: where they are taken up, and how they go on."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from uuid import UUID

from dishka import Provider, Scope, provide

from adapters.kafka.subscribers import group_of
from adapters.telemetry.spans import around_jobs, around_messages, around_queries, around_use_cases
from adapters.telemetry.tracing import UNTRACED, Tracing
from adapters.worker.queue import QUEUE
from composition.settings import Settings
from composition.telemetry.watching import Around, Watches
from order_service.use_cases.process_order import ProcessOrder


class Traces(Provider):
    """What is left of traces is sent when all else is closed."""

    scope = Scope.APP

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing

    @provide
    def tracing(self) -> Iterator[Tracing]:
        yield self._tracing
        self._tracing.close()


def tracing_of(settings: Settings, role: str | None, version: str) -> Tracing:
    """Without a role (a command) and without a collector nothing is recorded."""
    if role is None or settings.collector is None:
        return UNTRACED
    from adapters.telemetry.exporting import traces_to  # noqa: PLC0415 - dear, and only who traces needs it

    return traces_to(settings.collector, role=role, version=version)


def traced(watches: Watches, tracing: Tracing, settings: Settings) -> Watches:
    """`watches`, within the spans of what they watch. Jobs come with a trace of their own: see `traced_jobs`."""
    messages = around_messages(tracing, own_topic=settings.kafka_topic, group_of=group_of)
    use_cases = (around_use_cases(tracing),) if tracing.is_on else ()
    return replace(watches, use_cases=(*use_cases, *watches.use_cases), messages=(messages, *watches.messages))


def query_spans(tracing: Tracing) -> Callable[[str], AbstractContextManager[object]]:
    return around_queries(tracing) if tracing.is_on else nullcontext


def traced_jobs(
    process: ProcessOrder, tracing: Tracing, watched_by: Around[UUID]
) -> Callable[[UUID, str | None], Awaitable[None]]:
    within = around_jobs(tracing, queue=QUEUE)

    async def job(order_id: UUID, trace: str | None) -> None:
        with within(order_id, trace), watched_by(order_id):
            await process(order_id)

    return job
