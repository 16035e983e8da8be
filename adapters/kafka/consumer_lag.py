"""How far the consumer is behind."""

from collections.abc import Mapping, Sequence

from adapters.kafka.cluster import Cluster
from adapters.kafka.reading import Reading, reading
from adapters.kafka.subscribers import group_of


async def consumer_lag(cluster: Cluster, topics: Sequence[str]) -> Mapping[str, int]:
    """Topic -> messages that are not heard yet. Raises DependencyUnavailable."""
    async with reading(cluster) as kafka:
        return {topic: await _lag(kafka, topic) for topic in topics}


async def _lag(kafka: Reading, topic: str) -> int:
    extent, heard = await kafka.extent(topic), await kafka.committed(group_of(topic))
    # What was never heard of begins where the topic does; an older place than that is gone.
    return sum(end - max(begin, heard.get((topic, partition), begin)) for partition, (begin, end) in extent.items())
