"""The scheduler's process: what has to be done from time to time, so that nothing is left lying."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from order_service.domain.errors import DependencyUnavailable
from order_service.use_cases.expire_unpaid_orders import ExpireUnpaidOrders
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 5.0


async def schedule_forever(
    requeue: RequeueStalledOrders, expire: ExpireUnpaidOrders, *, stalled_after: timedelta
) -> None:
    while True:
        await _tried("requeued stalled orders", lambda: requeue(older_than=stalled_after))
        await _tried("expired unpaid orders", expire)
        await asyncio.sleep(_ROUND_SECONDS)


async def _tried(what: str, run: Callable[[], Awaitable[int]]) -> None:
    try:
        count = await run()
    except DependencyUnavailable as error:  # the next round tries again
        _log.warning("scheduler waits: %s", error)
        return
    if count:
        _log.info("%s: %d", what, count)
