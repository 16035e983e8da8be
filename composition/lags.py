"""How far those are behind who read: the relay in the event log, the consumer in Kafka's topics."""

from collections.abc import Awaitable, Callable, Mapping

from adapters.persistence.event_log import SqlEventLog
from order_service.ports import RelayLag

CURSOR = "relay"
"""The relay's name as a reader of the event log."""


class ReaderLags:
    def __init__(self, log: SqlEventLog, consumer: Callable[[], Awaitable[Mapping[str, int]]]) -> None:
        self._log = log
        self._consumer = consumer

    async def of_relay(self) -> RelayLag:
        return await self._log.lag(CURSOR)

    async def of_consumer(self) -> Mapping[str, int]:
        return await self._consumer()
