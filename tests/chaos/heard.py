"""What the service has yet to hear, and what it could make nothing of. Plain aiokafka."""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

PARTITIONS = 3
"""As `make_topics` makes them."""


async def ends(bootstrap_servers: str, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """Of every partition: the number of records ever sent to it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=None)
    await consumer.start()
    try:
        found: dict[TopicPartition, int] = {}
        for topic in topics:
            found |= await consumer.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
        return found
    finally:
        await consumer.stop()


async def not_heard(bootstrap_servers: str, topics: Iterable[str]) -> int:
    """Records for which the service's group of that topic has not committed an offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        missing = 0
        for topic in topics:
            committed = await admin.list_consumer_group_offsets(f"order-service-{topic}")
            for place, end in (await ends(bootstrap_servers, [topic])).items():
                missing += end - max(0, committed[place].offset if place in committed else 0)
        return missing
    finally:
        await admin.close()


async def dead_letters(bootstrap_servers: str, topic: str) -> int:
    return sum((await ends(bootstrap_servers, [f"{topic}.dead_letter"])).values())
