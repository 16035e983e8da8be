"""A producer that starts when it is first needed, and is made anew after a failure."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from order_service.domain.errors import DependencyUnavailable

_PATIENCE_MILLISECONDS = 10_000


class Producer:
    """Idempotent, acks=all: what is acknowledged is on every in-sync replica."""

    def __init__(self, bootstrap_servers: Sequence[str], **options: Any) -> None:
        self._options = {"bootstrap_servers": list(bootstrap_servers), **options}
        self._started: AIOKafkaProducer | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AIOKafkaProducer]:
        """The producer, started. Raises DependencyUnavailable for whatever goes wrong with Kafka meanwhile.

        Then it is closed: what it still had in flight is of no use to the next attempt.
        """
        try:
            if self._started is None:
                self._started = AIOKafkaProducer(
                    enable_idempotence=True, acks="all", request_timeout_ms=_PATIENCE_MILLISECONDS, **self._options
                )
                await self._started.start()
            yield self._started
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise DependencyUnavailable("Kafka") from error

    async def close(self) -> None:
        producer, self._started = self._started, None
        if producer is not None:
            await producer.stop()
