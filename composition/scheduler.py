"""The scheduler's process, `python -m composition.scheduler`: what has to be done from time to time.

Any number may run; in each round one acts.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from dishka import AsyncContainer

from adapters.telemetry.metrics import Metrics
from composition.process import run
from composition.settings import Settings
from composition.telemetry.fleet import sample_fleet
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Leases
from order_service.use_cases.expire_unpaid_orders import ExpireUnpaidOrders
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.forget_old_records import ForgetOldRecords
from order_service.use_cases.partition_event_log import PartitionEventLog
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 5.0

Chore = Callable[[], Awaitable[int]]
"""Gives how many there were to do something about."""


async def schedule_forever(container: AsyncContainer, metrics: Metrics, *, stalled_after: timedelta) -> None:
    leases = await container.get(Leases)
    requeue = await container.get(RequeueStalledOrders)
    chores: dict[str, tuple[str, Chore]] = {
        "requeue": ("stalled orders queued again", lambda: requeue(older_than=stalled_after)),
        "expire": ("unpaid orders canceled", await container.get(ExpireUnpaidOrders)),
        "erase": ("orders redacted", await container.get(FinishErasures)),
        "forget": ("old records forgotten", await container.get(ForgetOldRecords)),
        "partition": ("months of the event log made or detached", await container.get(PartitionEventLog)),
    }
    _log.info("scheduler is ready")
    while True:
        for name, (what, chore) in chores.items():
            try:
                async with leases.hold("scheduler"):
                    count = await chore()
            except DependencyUnavailable as error:  # the next round tries again
                metrics.chore_runs.labels(name, "waits").inc()
                _log.warning("scheduler waits: %s", error)
                continue
            except Exception:  # noqa: BLE001 - one chore that fails must not keep the others from being done
                metrics.chore_runs.labels(name, "failed").inc()
                _log.exception("not done: %s", what)
                continue
            metrics.chore_runs.labels(name, "done").inc()
            metrics.chore_succeeded.labels(name).set(time.time())
            metrics.chore_items.labels(name).inc(count)
            if count:
                _log.info("%s: %d", what, count)
        await asyncio.sleep(_ROUND_SECONDS)


async def main(container: AsyncContainer, settings: Settings, metrics: Metrics) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(schedule_forever(container, metrics, stalled_after=settings.stalled_after))
        tasks.create_task(sample_fleet(container, metrics, stalled_after=settings.stalled_after))


if __name__ == "__main__":
    run("scheduler", main)
