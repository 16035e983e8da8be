"""Does Kafka answer, and has it what we need?"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from adapters.kafka.cluster import Cluster
from order_service.domain.errors import DependencyUnavailable


async def ask(cluster: Cluster) -> None:
    """Connects anew, as whoever comes next would have to. Raises DependencyUnavailable."""
    async with _asked(cluster):
        pass


async def missing(cluster: Cluster, topics: Collection[str]) -> Sequence[str]:
    """Those of `topics` that are not there, or that we may not see. Raises DependencyUnavailable."""
    async with _asked(cluster) as client:
        there = (await client.fetch_all_metadata()).topics()  # to ask for one by name might make it
    return [topic for topic in topics if topic not in there]


@asynccontextmanager
async def _asked(cluster: Cluster) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(**cluster.options, request_timeout_ms=2_000)
    try:
        await client.bootstrap()
        yield client
    except (KafkaError, OSError) as error:
        raise DependencyUnavailable("Kafka") from error
    finally:
        await client.close()
