"""Tell the world what happened: from the event log to the publisher."""

import asyncio
from collections.abc import Sequence

from order_service.ports import EventLogReader, EventPublisher, LoggedEvent


class RelayEvents:
    """Publishes what the log holds, at least once, and moves the reader's place only after that."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher

    async def __call__(self, log: EventLogReader, *, limit: int = 500) -> int:
        """How many there were, told in batches of up to `limit`; 0 when all was told before."""
        told = 0
        batch = await log.next_batch(limit)
        while batch:
            told += len(batch)
            batch = await self._tell(batch, log, limit)
        return told

    async def _tell(self, batch: Sequence[LoggedEvent], log: EventLogReader, limit: int) -> Sequence[LoggedEvent]:
        """The next batch, read while this one is published. Behind one that is not full there is none worth it.

        What was published is known to be, even if the next batch cannot be read.
        """
        if len(batch) < limit:
            await self._publisher.publish(batch)
            await log.advance(batch[-1].at)
            return ()
        reading = asyncio.ensure_future(log.next_batch(limit, behind=batch[-1].at))
        try:
            await self._publisher.publish(batch)
            await asyncio.wait({reading})  # what it uses is free only then
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await log.advance(batch[-1].at)
        return reading.result()
