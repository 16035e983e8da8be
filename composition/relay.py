"""The relay's process, `python -m composition.relay`: tells what happened, as soon as it is certain.

Any number may run; one is active, and another takes over when it is gone.
"""

import asyncio
import logging

from dishka import AsyncContainer

from composition.process import run
from composition.settings import Settings
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import EventLog
from order_service.use_cases.relay_events import RelayEvents

_log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.02
_RECOVERY_SECONDS = 1.0


async def relay_forever(log: EventLog, relay_events: RelayEvents) -> None:
    """Reads the log for as long as it is let; a dependency that is gone is waited for, and nothing is skipped."""
    while True:
        try:
            async with log.reader("relay") as reader:
                while True:
                    if not await relay_events(reader):
                        await asyncio.sleep(_IDLE_SECONDS)
        except DependencyUnavailable as error:
            _log.warning("relay waits: %s", error)
            await asyncio.sleep(_RECOVERY_SECONDS)


async def main(container: AsyncContainer, _: Settings) -> None:
    await relay_forever(await container.get(EventLog), await container.get(RelayEvents))


if __name__ == "__main__":
    run(main)
