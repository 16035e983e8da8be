"""Reading topics from outside: nobody's place in them moves."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoError, UnknownTopicOrPartitionError, for_code

from adapters.kafka.cluster import Cluster
from order_service.domain.errors import DependencyUnavailable

_PATIENCE_SECONDS = 10

Record = Any
"""aiokafka's ConsumerRecord."""


class Reading:
    """While it is open (see `reading`). A topic that is not there has no partitions."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._admin = admin

    async def extent(self, topic: str) -> Mapping[int, tuple[int, int]]:
        """Partition -> the first offset that is kept, and the one that the next record will have."""
        partitions = await self._partitions(topic)
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        return {one.partition: (begins[one], ends[one]) for one in partitions}

    async def between(self, topic: str, partition: int, first: int, end: int) -> Sequence[Record]:
        """What is kept from `first` to before `end`: not every place has a record, as where a transaction ended."""
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        self._consumer.seek(place, first)
        found: list[Record] = []
        while await self._consumer.position(place) < end:
            found += (await self._consumer.getmany(place, timeout_ms=1_000)).get(place, [])
        return [record for record in found if record.offset < end]

    async def committed(self, group: str) -> Mapping[tuple[str, int], int]:
        """Topic and partition -> the offset up to which the group has read."""
        offsets = await self._admin.list_consumer_group_offsets(group)
        return {(place.topic, place.partition): known.offset for place, known in offsets.items()}

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        (described,) = await self._admin.describe_topics([topic])
        if (error := for_code(described["error_code"])) is UnknownTopicOrPartitionError:
            return []
        if error is not NoError:  # where there is no right to look, there is nothing to see, but not no letter
            raise error(topic)
        return [
            TopicPartition(topic, number) for number in sorted(one["partition"] for one in described["partitions"])
        ]


@asynccontextmanager
async def reading(cluster: Cluster) -> AsyncIterator[Reading]:
    """Raises DependencyUnavailable for whatever goes wrong with Kafka meanwhile, and when it takes 10 s."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), AsyncExitStack() as until:
            admin = AIOKafkaAdminClient(**cluster.options)
            until.push_async_callback(admin.close)
            await admin.start()
            consumer = AIOKafkaConsumer(**cluster.options, group_id=None, enable_auto_commit=False)
            until.push_async_callback(consumer.stop)
            await consumer.start()
            yield Reading(consumer, admin)
    except (KafkaError, OSError, TimeoutError) as error:
        raise DependencyUnavailable("Kafka") from error
