"""The relay's way out: events to Kafka."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, UnknownTopicOrPartitionError
from aiokafka.producer.message_accumulator import BatchBuilder

from adapters.kafka.cluster import Cluster
from adapters.kafka.messages import headers_of
from adapters.kafka.partitions import partition_number
from adapters.kafka.producer import Producer
from order_service.ports import LoggedEvent

_log = logging.getLogger(__name__)

_LARGEST_BYTES = 8 * 1024 * 1024

_Batches = Mapping[int, Sequence[BatchBuilder]]


class KafkaEvents:
    """Publishes in batches, and returns once every event is acknowledged.

    The batches are made here, whole: handed over one by one, each event would bring a future, and a wait for others.
    """

    def __init__(self, cluster: Cluster, *, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            cluster, compression_type="lz4", max_batch_size=512 * 1024, max_request_size=_LARGEST_BYTES
        )

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        async with self._producer.use() as producer, _explained(self._topic, events):
            partitions = sorted(await producer.partitions_for(self._topic))
            by_partition = _batches(producer, partitions, events)
            await asyncio.gather(*(self._send(producer, *batches) for batches in by_partition.items()))

    async def _send(self, producer: AIOKafkaProducer, partition: int, batches: Sequence[BatchBuilder]) -> None:
        """Each is acknowledged before the next one leaves, so that none overtakes one that is refused."""
        for batch in batches:
            acknowledged = await producer.send_batch(batch, self._topic, partition=partition)
            await acknowledged

    async def close(self) -> None:
        await self._producer.close()


def _batches(producer: AIOKafkaProducer, partitions: Sequence[int], events: Sequence[LoggedEvent]) -> _Batches:
    """By partition, in the order of the events; closed, so that none lingers for more."""
    by_partition: defaultdict[int, list[BatchBuilder]] = defaultdict(list)
    for event in events:
        if len(event.payload) > _LARGEST_BYTES:
            raise MessageSizeTooLargeError
        key, number = _addressed(event.order_id, len(partitions))
        batches, headers = by_partition[partitions[number]], headers_of(event, key)
        if not batches or batches[-1].append(timestamp=None, key=key, value=event.payload, headers=headers) is None:
            batches.append(producer.create_batch())  # which has room for one, however large
            batches[-1].append(timestamp=None, key=key, value=event.payload, headers=headers)
    for batches in by_partition.values():
        batches[-1].close()
    return by_partition


@lru_cache(maxsize=10_000)
def _addressed(order_id: UUID, partitions: int) -> tuple[bytes, int]:
    """Key and partition. An order's events come close after one another, so many are known already."""
    key = str(order_id).encode()
    return key, partition_number(key, partitions)


@asynccontextmanager
async def _explained(topic: str, events: Sequence[LoggedEvent]) -> AsyncIterator[None]:
    """Why nothing goes on: somebody has to see to Kafka. (An order's event is at most some 5 MB.)"""
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
    except UnknownTopicOrPartitionError:
        _log.error("Kafka has no topic %s: make it, with max.message.bytes=8388608", topic)
        raise
