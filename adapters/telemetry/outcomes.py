"""How calls, messages and jobs end, and after how long."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from prometheus_client import Histogram

from adapters.telemetry.beat import Beat
from adapters.telemetry.metrics import Metrics
from order_service.domain.errors import DependencyUnavailable, OrderServiceError

Outcome = Callable[[type[BaseException] | None], str]
"""The word for how something ended that raised this, or nothing."""


def outcome_of_a_call(error: type[BaseException] | None) -> str:
    if error is None:
        return "done"
    if issubclass(error, DependencyUnavailable):
        return "unavailable"
    if not issubclass(error, Exception):
        return "canceled"
    return "refused" if issubclass(error, OrderServiceError) else "failed"


def outcome_of_a_message(error: type[BaseException] | None) -> str:
    if error is None:
        return "done"
    return "waits" if issubclass(error, DependencyUnavailable) or not issubclass(error, Exception) else "dead"


class Outcomes:
    """`histogram` has the label `outcome` last, behind `labels`."""

    def __init__(self, histogram: Histogram, outcome: Outcome, *labels: str) -> None:
        self._histogram = histogram
        self._outcome = outcome
        self._labels = labels
        self._children: dict[type[BaseException] | None, Histogram] = {}

    def note(self, error: type[BaseException] | None, seconds: float) -> None:
        child = self._children.get(error)
        if child is None:  # asking the library for one costs more than all the rest
            child = self._children[error] = self._histogram.labels(*self._labels, self._outcome(error))
        child.observe(seconds)


class Timed:
    """Around one call."""

    __slots__ = ("_began", "_outcomes")

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._began = time.perf_counter()

    def __enter__(self) -> None:
        """It began when it was made."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outcomes.note(kind, time.perf_counter() - self._began)


class TimedWork(Timed):
    """Around a piece of work that the beat is to know of."""

    __slots__ = ("_beat",)

    def __init__(self, outcomes: Outcomes, beat: Beat) -> None:
        super().__init__(outcomes)
        self._beat = beat

    def __enter__(self) -> None:
        self._beat.begins(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beat.ends(self)
        super().__exit__(kind, error, trace)


def timed_use_cases(metrics: Metrics) -> Callable[[type], Callable[[], Timed]]:
    """A watch of use cases (see `composition/watching.py`)."""

    def watch(use_case: type) -> Callable[[], Timed]:
        outcomes = Outcomes(metrics.use_case_seconds, outcome_of_a_call, use_case.__name__)
        return lambda: Timed(outcomes)

    return watch


def timed_messages(metrics: Metrics, beat: Beat) -> Callable[[Any], TimedWork]:
    by_topic: dict[str, Outcomes] = {}

    def around(record: Any) -> TimedWork:
        topic = record.topic
        outcomes = by_topic.get(topic)
        if outcomes is None:
            outcomes = by_topic[topic] = Outcomes(metrics.message_seconds, outcome_of_a_message, topic)
        return TimedWork(outcomes, beat)

    return around


def timed_jobs(metrics: Metrics, beat: Beat) -> Callable[[object], TimedWork]:
    outcomes = Outcomes(metrics.job_seconds, outcome_of_a_call)
    return lambda _: TimedWork(outcomes, beat)
