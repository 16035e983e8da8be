"""The relay's way out: events to Kafka."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from adapters.kafka.messages import headers_of
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import LoggedEvent

_PATIENCE_MILLISECONDS = 10_000


class KafkaEvents:
    """Publishes with the idempotent producer and acks=all: what `publish` returned for is on every in-sync replica.

    After a failure the producer is made anew: what it still had in flight is of no use to the next attempt.
    """

    def __init__(self, bootstrap_servers: Sequence[str], *, topic: str) -> None:
        self._bootstrap_servers = list(bootstrap_servers)
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        try:
            producer = await self._started()
            acknowledged = [
                await producer.send(
                    self._topic, event.payload, key=str(event.order_id).encode(), headers=headers_of(event)
                )
                for event in events
            ]
            await asyncio.gather(*acknowledged)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise DependencyUnavailable("Kafka") from error

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap_servers,
                enable_idempotence=True,
                acks="all",
                compression_type="lz4",
                linger_ms=5,
                max_batch_size=512 * 1024,
                max_request_size=8 * 1024 * 1024,
                request_timeout_ms=_PATIENCE_MILLISECONDS,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer
