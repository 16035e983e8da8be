"""A producer that starts when it is first needed, and is made anew after a failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from adapters.kafka.cluster import Cluster
from order_service.domain.errors import DependencyUnavailable

_PATIENCE_SECONDS = 10


class Producer:
    """Idempotent, acks=all: what is acknowledged is on every in-sync replica."""

    def __init__(self, cluster: Cluster, **options: Any) -> None:
        self._options = {**cluster.options, **options}
        self._started: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AIOKafkaProducer]:
        """The producer, started. Raises DependencyUnavailable for whatever goes wrong with Kafka meanwhile.

        Then it is closed: what it still had in flight is of no use to the next attempt. Others who use it at the same
        moment may never hear of that, which is why there is an end to all waiting.
        """
        try:
            async with asyncio.timeout(3 * _PATIENCE_SECONDS):
                yield await self._running()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise DependencyUnavailable("Kafka") from error

    async def _running(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._started is None:
                producer = AIOKafkaProducer(
                    enable_idempotence=True,
                    acks="all",
                    request_timeout_ms=_PATIENCE_SECONDS * 1000,
                    **self._options,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._started = producer
            return self._started

    async def close(self) -> None:
        producer, self._started = self._started, None
        if producer is not None:
            await producer.stop()
