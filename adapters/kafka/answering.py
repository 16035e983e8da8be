"""Does Kafka answer?"""

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from adapters.kafka.cluster import Cluster
from order_service.domain.errors import DependencyUnavailable


async def ask(cluster: Cluster) -> None:
    """Connects anew, as whoever comes next would have to. Raises DependencyUnavailable."""
    client = AIOKafkaClient(**cluster.options, request_timeout_ms=2_000)
    try:
        await client.bootstrap()
    except (KafkaError, OSError) as error:
        raise DependencyUnavailable("Kafka") from error
    finally:
        await client.close()
