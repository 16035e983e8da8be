"""What is counted, and under which names."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from adapters.embedded.rate_limiter import InProcessRateLimiter
from adapters.telemetry.beat import Beat
from adapters.telemetry.counted import CountedCache, CountedLimiter
from adapters.telemetry.metrics import PREFIX, Metrics
from adapters.telemetry.outcomes import timed_jobs, timed_messages, timed_use_cases
from adapters.telemetry.requests import App, CountedRequests
from order_service.domain.errors import DependencyUnavailable, OrderNotFound
from order_service.ports import Allowance, Quota
from order_service.views import RenderedOrder

ORDER = RenderedOrder(UUID(int=1), UUID(int=2), 1, b"{}")
ERRORS: list[tuple[BaseException | None, str, str]] = [
    (None, "done", "done"),
    (OrderNotFound(), "refused", "dead"),
    (DependencyUnavailable("Redis"), "unavailable", "waits"),
    (ValueError(), "failed", "dead"),
    (asyncio.CancelledError(), "canceled", "waits"),
]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def beat(metrics: Metrics) -> Beat:
    return Beat(metrics, "main")


def told(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"{PREFIX}_{name}", labels)


async def asked(app: App, metrics: Metrics, beat: Beat, *, method: str = "GET", path: str = "/here") -> None:
    async def receive() -> None:
        """Nothing more is sent."""

    async def send(_: Any) -> None:
        """Nobody listens."""

    scope = {"type": "http", "method": method, "path": path}
    await CountedRequests(app, metrics, beat, streams=("/stream",))(scope, receive, send)


def answering(status: int, *, route: str | None = "/orders/{id}") -> App:
    async def app(scope: Any, _: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if route is not None:
            scope["path_template"] = route
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body"})

    return app


async def test_a_request_counts_by_the_template_of_its_address(metrics: Metrics, beat: Beat) -> None:
    await asked(answering(200), metrics, beat)
    await asked(answering(404, route=None), metrics, beat, method="BREW")
    assert told(metrics, "http_requests_total", method="GET", route="/orders/{id}", status="200") == 1
    assert told(metrics, "http_request_seconds_count", method="GET", route="/orders/{id}") == 1
    assert told(metrics, "http_requests_total", method="none", route="none", status="404") == 1


async def test_a_request_that_nobody_answers_counts_too(metrics: Metrics, beat: Beat) -> None:
    async def gone(*_: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await asked(gone, metrics, beat)
    assert told(metrics, "http_requests_total", method="GET", route="none", status="none") == 1


@pytest.mark.parametrize(("path", "kind"), [("/here", "request"), ("/orders/1/events/stream", "stream")])
async def test_what_is_in_progress_is_seen_while_it_is(metrics: Metrics, beat: Beat, path: str, kind: str) -> None:
    waits = asyncio.Event()

    async def app(*_: Any) -> None:
        await waits.wait()

    asking = asyncio.create_task(asked(app, metrics, beat, path=path))
    await asyncio.sleep(0)
    await one_turn(beat)
    assert told(metrics, "http_requests_in_progress", kind=kind) == 1
    waits.set()
    await asking
    await one_turn(beat)
    assert told(metrics, "http_requests_in_progress", kind=kind) == 0


async def one_turn(beat: Beat) -> None:
    turning = asyncio.create_task(beat.forever())
    await asyncio.sleep(0)
    turning.cancel()
    await asyncio.gather(turning, return_exceptions=True)


def raise_(error: BaseException | None) -> None:
    if error is not None:
        raise error


@pytest.mark.parametrize(("error", "of_a_call", "of_a_message"), ERRORS)
def test_how_something_ended_is_a_word(
    metrics: Metrics, beat: Beat, error: BaseException | None, of_a_call: str, of_a_message: str
) -> None:
    record = SimpleNamespace(topic="payments")
    around_job, around_message = timed_jobs(metrics, beat), timed_messages(metrics, beat)
    for around in (timed_use_cases(metrics)(RenderedOrder)(), around_job(UUID(int=1)), around_message(record)):
        with nullcontext() if error is None else pytest.raises(type(error)), around:
            raise_(error)
    assert told(metrics, "use_case_seconds_count", use_case="RenderedOrder", outcome=of_a_call) == 1
    assert told(metrics, "job_seconds_count", outcome=of_a_call) == 1
    assert told(metrics, "message_seconds_count", topic="payments", outcome=of_a_message) == 1


async def test_the_oldest_work_in_hand_is_seen(metrics: Metrics, beat: Beat) -> None:
    beat.begins("first")
    await asyncio.sleep(0.05)
    beat.begins("second")
    await one_turn(beat)
    assert (told(metrics, "longest_work_seconds", loop="main") or 0) >= 0.05
    beat.ends("first")
    beat.ends("second")
    await one_turn(beat)
    assert told(metrics, "longest_work_seconds", loop="main") == 0


class Cache:
    """Loads each order."""

    async def get(self, _: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        return await load()

    async def put(self, order: RenderedOrder) -> None: ...


class FullCache(Cache):
    async def get(self, _: UUID, __: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        return ORDER


async def test_an_order_that_had_to_be_loaded_is_a_miss(metrics: Metrics) -> None:
    async def load() -> RenderedOrder:
        return ORDER

    for cache, number in ((Cache(), 2), (FullCache(), 3)):
        for _ in range(number):
            assert await CountedCache(cache, metrics).get(ORDER.order_id, load) is ORDER
    assert told(metrics, "cache_reads_total", outcome="miss") == 2
    assert told(metrics, "cache_reads_total", outcome="hit") == 3


async def test_guesses_that_are_refused_are_counted_and_told_without_saying_whose(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = CountedLimiter(InProcessRateLimiter(), metrics)
    for name in ("orders", "guesses"):
        quota = Quota(name=name, limit=1, window=timedelta(hours=1))
        for _ in range(3):
            await limiter.take(quota, "ann")
        assert told(metrics, "limiter_takes_total", quota=name, outcome="allowed") == 1
        assert told(metrics, "limiter_takes_total", quota=name, outcome="refused") == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "ann" not in caplog.text


async def test_a_quota_that_cannot_be_asked_about_is_counted(metrics: Metrics) -> None:
    class Away(InProcessRateLimiter):
        async def take(self, quota: Quota, subject: str) -> Allowance:
            raise DependencyUnavailable("Redis")

    with pytest.raises(DependencyUnavailable):
        await CountedLimiter(Away(), metrics).take(
            Quota(name="accounts", limit=1, window=timedelta(minutes=1)), "ann"
        )
    assert told(metrics, "limiter_takes_total", quota="accounts", outcome="unavailable") == 1
