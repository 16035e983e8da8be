"""The relay's way out: events to Kafka."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.errors import MessageSizeTooLargeError

from adapters.kafka.cluster import Cluster
from adapters.kafka.messages import headers_of
from adapters.kafka.producer import Producer
from order_service.ports import LoggedEvent

_log = logging.getLogger(__name__)


class KafkaEvents:
    """Publishes in batches, and returns once every event is acknowledged."""

    def __init__(self, cluster: Cluster, *, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            cluster,
            compression_type="lz4",
            linger_ms=5,
            max_batch_size=512 * 1024,
            max_request_size=8 * 1024 * 1024,
        )

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        async with self._producer.use() as producer, _explained(self._topic, events):
            acknowledged = [
                await producer.send(
                    self._topic, event.payload, key=str(event.order_id).encode(), headers=headers_of(event)
                )
                for event in events
            ]
            await asyncio.gather(*acknowledged)

    async def close(self) -> None:
        await self._producer.close()


@asynccontextmanager
async def _explained(topic: str, events: Sequence[LoggedEvent]) -> AsyncIterator[None]:
    """No retry makes an event smaller; an order's is at most some 5 MB."""
    try:
        yield
    except MessageSizeTooLargeError:
        largest = max(events, key=lambda event: len(event.payload))
        _log.error(
            "Kafka refuses an event of %d bytes, of order %s: set max.message.bytes=8388608 for the topic %s",
            len(largest.payload),
            largest.order_id,
            topic,
            extra={"order_id": largest.order_id},
        )
        raise
