"""What the scheduler sees of all processes together."""

import asyncio
import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dishka import Provider, Scope, make_async_container

from adapters.system import SystemClock
from adapters.telemetry.metrics import PREFIX, Metrics
from composition.telemetry import fleet
from order_service.domain.actor import Actor
from order_service.ports import Clock, JobsState, OrderViews, RelayLag
from order_service.use_cases.see_machinery import Machinery, SeeMachinery
from tests.fleet.waiting import until

SEEN = Machinery(
    jobs=JobsState(waiting=3, delayed=0, running=0, dead=0, processes=(), newest_dead=()),
    relay=RelayLag(events=4, oldest=datetime.now(UTC)),
    consumer={"payments": 5},
    dead_letters=6,
)


async def test_figures_that_cannot_be_had_any_more_do_not_stay_as_they_were(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fleet, "_SECONDS", 0.001)
    metrics = Metrics()
    broken = False

    async def see(*, by: Actor) -> Machinery:
        assert by.id is None
        if broken:
            raise ValueError
        return SEEN

    async def stalled(**_: object) -> Sequence[object]:
        return [object()]

    def told() -> Sequence[float | None]:
        sample = metrics.registry.get_sample_value
        return [
            sample(f"{PREFIX}_queue_jobs", {"state": "waiting"}),
            sample(f"{PREFIX}_relay_lag_events"),
            sample(f"{PREFIX}_consumer_lag_messages", {"topic": "payments"}),
            sample(f"{PREFIX}_dead_letters"),
        ]

    parts = Provider(scope=Scope.APP)
    parts.provide(lambda: see, provides=SeeMachinery)
    parts.provide(lambda: SimpleNamespace(stalled=stalled), provides=OrderViews)
    parts.provide(SystemClock, provides=Clock)
    container = make_async_container(parts)
    sampling: asyncio.Task[Any] = asyncio.create_task(
        fleet.sample_fleet(container, metrics, stalled_after=timedelta(minutes=1))
    )

    async def all_is_seen() -> bool:
        return told() == [3, 4, 5, 6]

    async def nothing_is_seen() -> bool:
        return all(map(math.isnan, (value or 0 for value in told())))

    try:
        await until(all_is_seen)
        broken = True
        await until(nothing_is_seen)
        assert metrics.registry.get_sample_value(f"{PREFIX}_stalled_orders") == 1
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
        await container.close()
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
