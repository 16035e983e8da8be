"""Tell the world what happened: from the event log to the publisher."""

from order_service.ports import EventLogReader, EventPublisher


class RelayEvents:
    """Publishes the next events of the log, at least once, and moves the reader's place only after that."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher

    async def __call__(self, log: EventLogReader, *, limit: int = 500) -> int:
        """How many there were; 0 when all is told."""
        batch = await log.next_batch(limit)
        if batch:
            await self._publisher.publish(batch)
            await log.advance(batch[-1].at)
        return len(batch)
