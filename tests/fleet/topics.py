"""Topics of a test's own, what is told on them, and what was."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def make_topics(bootstrap_servers: str, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1) for name in names])
    finally:
        await admin.close()


async def tell(bootstrap_servers: str, topic: str, kind: str, value: dict[str, Any], *, id: str = "") -> None:
    """A CloudEvent in binary mode, as the payment or shipping service would send it."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", (id or uuid4().hex).encode()),
        ("ce_source", b"/tests"),
        ("ce_type", kind.encode()),
    ]
    await send(bootstrap_servers, topic, msgspec.json.encode(value), headers, key=value["order_id"].encode())


async def send(
    bootstrap_servers: str, topic: str, value: bytes | None, headers: list[tuple[str, bytes]], *, key: bytes
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=key, headers=headers)
    finally:
        await producer.stop()


async def told(bootstrap_servers: str, topic: str) -> list[Any]:
    """Every record of the topic, from offset 0."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(3)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        while any([await consumer.position(place) < ends[place] for place in partitions]):
            records += [record for batch in (await consumer.getmany(timeout_ms=200)).values() for record in batch]
        return records
    finally:
        await consumer.stop()
