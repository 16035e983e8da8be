"""Messages that no retry makes right: kept with the cause and the place they came from, and put back on command."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters.kafka.cluster import Cluster
from adapters.kafka.messages import Headers
from adapters.kafka.producer import Producer

# Of a message too big for the topic the beginning is kept; the rest is at its origin. Together less than 1 MiB,
# Kafka's own limit, with room for our notes.
_LARGEST_VALUE, _LARGEST_HEADERS, _LARGEST_KEY = 512 * 1024, 256 * 1024, 64 * 1024
_GROUP = "dead-letters"

# Ours begin with this, so that putting a message back can take them off again.
_PREFIX = "x-dead-letter-"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """`value` is as it came, unless `cut`."""

    topic: str
    partition: int
    offset: int
    cause: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    cut: bool


class DeadLetters:
    def __init__(self, cluster: Cluster, *, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._producer = Producer(cluster)

    async def put(self, record: Any, *, cause: str, detail: str) -> None:
        """Keeps the consumed `record`. Returns once the broker has it; raises DependencyUnavailable."""
        value, key = _beginning(record.value, _LARGEST_VALUE), _beginning(record.key, _LARGEST_KEY)
        came = [(name, content) for name, content in record.headers if not name.startswith(_PREFIX)]
        headers = _first(came, _LARGEST_HEADERS)
        cut = (value, key, headers) != (record.value, record.key, came)
        notes = {
            "cause": cause,
            "detail": detail[:1000],
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "cut": "true" if cut else "false",
        }
        headers += [(_PREFIX + name, note.encode()) for name, note in notes.items()]
        await self._send(self._topic, value, key, headers)

    async def redrive(self, *, limit: int) -> AsyncIterator[DeadLetter]:
        """Puts up to `limit` letters back where they came from, oldest first, each once; a cut one stays."""
        async for letter, commit in self._read(limit=limit, group_id=_GROUP):
            if not letter.cut:
                await self._send(letter.topic, letter.value, letter.key, letter.headers)
            await commit()
            yield letter

    async def all(self, *, limit: int) -> AsyncIterator[DeadLetter]:
        """Every letter that is kept, put back or not, oldest first."""
        async for letter, _ in self._read(limit=limit, group_id=None):
            yield letter

    async def close(self) -> None:
        await self._producer.close()

    async def _send(self, topic: str, value: bytes | None, key: bytes | None, headers: Headers) -> None:
        async with self._producer.use() as producer:
            await producer.send_and_wait(topic, value, key=key, headers=headers)

    async def _read(self, *, limit: int, group_id: str | None) -> AsyncIterator[tuple[DeadLetter, Any]]:
        consumer = AIOKafkaConsumer(
            **self._cluster.options,
            group_id=group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async with self._producer.use() as producer:
                numbers = await producer.partitions_for(self._topic)
            partitions = [TopicPartition(self._topic, number) for number in numbers]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                offset = await consumer.committed(partition) if group_id else None
                consumer.seek(partition, offset or (await consumer.beginning_offsets([partition]))[partition])
            while limit and any([await consumer.position(p) < ends[p] for p in partitions]):
                record = await consumer.getone()
                limit -= 1
                place = {TopicPartition(record.topic, record.partition): record.offset + 1}
                yield _letter(record), lambda place=place: consumer.commit(place)
        finally:
            await consumer.stop()


def _beginning(content: bytes | None, largest: int) -> bytes | None:
    return None if content is None else content[:largest]


def _first(headers: Headers, largest: int) -> Headers:
    """As many as fit."""
    sizes = accumulate(len(name.encode()) + len(content or b"") for name, content in headers)
    return [header for header, size in zip(headers, sizes, strict=True) if size <= largest]


def _letter(record: Any) -> DeadLetter:
    notes = {name[len(_PREFIX) :]: note.decode() for name, note in record.headers if name.startswith(_PREFIX)}
    return DeadLetter(
        topic=notes["topic"],
        partition=int(notes["partition"]),
        offset=int(notes["offset"]),
        cause=notes["cause"],
        detail=notes["detail"],
        key=record.key,
        value=record.value,
        headers=[(name, content) for name, content in record.headers if not name.startswith(_PREFIX)],
        cut=notes["cut"] == "true",
    )
