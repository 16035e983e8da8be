"""The relay's process, `python -m composition.relay`: tells what happened, as soon as it is certain.

Any number may run; one is active, and another takes over when it is gone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from dishka import AsyncContainer

from adapters.persistence.event_log import LogOfAnotherCluster, SqlEventLog
from adapters.telemetry.metrics import Metrics
from composition.lags import CURSOR
from composition.process import run
from composition.settings import Settings, SettingsError
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import EventLog
from order_service.use_cases.relay_events import RelayEvents

_log = logging.getLogger(__name__)

_LAG_SECONDS = 10.0
_IDLE_SECONDS = 0.02
_GATHER_SECONDS = 0.005
"""Behind a batch that was not full: what comes meanwhile goes together, and costs less for each."""
_RECOVERY_SECONDS = 1.0


async def relay_forever(log: EventLog, relay_events: RelayEvents, metrics: Metrics) -> None:
    """Reads the log for as long as it is let; a dependency that is gone is waited for, and nothing is skipped."""
    _log.info("relay is ready, and waits for its turn")
    while True:
        try:
            async with log.reader(CURSOR) as reader, _active(metrics):
                while True:
                    told = await relay_events(reader)
                    await asyncio.sleep(_GATHER_SECONDS if told else _IDLE_SECONDS)
        except DependencyUnavailable as error:
            _log.warning("relay waits: %s", error)
            await asyncio.sleep(_RECOVERY_SECONDS)


@asynccontextmanager
async def _active(metrics: Metrics) -> AsyncIterator[None]:
    _log.info("relay is active: no other one is")
    metrics.relay_active.set(1)
    try:
        yield
    finally:
        metrics.relay_active.set(0)


async def tell_lag(log: SqlEventLog) -> None:
    """Says in the log how far the relay is behind, for as long as it is."""
    while True:
        await asyncio.sleep(_LAG_SECONDS)
        try:
            lag = await log.lag(CURSOR)
        except DependencyUnavailable:
            continue  # the relay itself says so
        if lag.oldest is not None:
            age = (datetime.now(UTC) - lag.oldest).total_seconds()
            _log.info("relay lag: %d events, the oldest of %.1f s ago", lag.events, age)


async def main(container: AsyncContainer, _: Settings, metrics: Metrics) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay_forever(await container.get(EventLog), await container.get(RelayEvents), metrics))
            tasks.create_task(tell_lag(await container.get(SqlEventLog)))
    except* LogOfAnotherCluster as errors:
        raise SettingsError(str(errors.exceptions[0])) from None


if __name__ == "__main__":
    run("relay", main)
