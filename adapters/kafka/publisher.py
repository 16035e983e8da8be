"""The relay's way out: events to Kafka."""

import asyncio
from collections.abc import Sequence

from adapters.kafka.messages import headers_of
from adapters.kafka.producer import Producer
from order_service.ports import LoggedEvent


class KafkaEvents:
    """Publishes in batches, and returns once every event is acknowledged."""

    def __init__(self, bootstrap_servers: Sequence[str], *, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            bootstrap_servers,
            compression_type="lz4",
            linger_ms=5,
            max_batch_size=512 * 1024,
            max_request_size=8 * 1024 * 1024,
        )

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        async with self._producer.use() as producer:
            acknowledged = [
                await producer.send(
                    self._topic, event.payload, key=str(event.order_id).encode(), headers=headers_of(event)
                )
                for event in events
            ]
            await asyncio.gather(*acknowledged)

    async def close(self) -> None:
        await self._producer.close()
