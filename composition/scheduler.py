"""The scheduler's process, `python -m composition.scheduler`: what has to be done from time to time.

Any number may run; in each round one acts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from dishka import AsyncContainer

from composition.process import run
from composition.settings import Settings
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Leases
from order_service.use_cases.expire_unpaid_orders import ExpireUnpaidOrders
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.forget_old_records import ForgetOldRecords
from order_service.use_cases.partition_event_log import PartitionEventLog
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 5.0


async def schedule_forever(container: AsyncContainer, *, stalled_after: timedelta) -> None:
    leases = await container.get(Leases)
    requeue = await container.get(RequeueStalledOrders)
    chores: dict[str, Callable[[], Awaitable[int]]] = {
        "stalled orders queued again": lambda: requeue(older_than=stalled_after),
        "unpaid orders canceled": await container.get(ExpireUnpaidOrders),
        "orders redacted": await container.get(FinishErasures),
        "old records forgotten": await container.get(ForgetOldRecords),
        "months of the event log made or detached": await container.get(PartitionEventLog),
    }
    while True:
        for what, chore in chores.items():
            try:
                async with leases.hold("scheduler"):
                    count = await chore()
            except DependencyUnavailable as error:  # the next round tries again
                _log.warning("scheduler waits: %s", error)
                continue
            except Exception:  # noqa: BLE001 - one chore that fails must not keep the others from being done
                _log.exception("not done: %s", what)
                continue
            if count:
                _log.info("%s: %d", what, count)
        await asyncio.sleep(_ROUND_SECONDS)


async def main(container: AsyncContainer, settings: Settings) -> None:
    await schedule_forever(container, stalled_after=settings.stalled_after)


if __name__ == "__main__":
    run(main, role="scheduler")
