"""The consumer's process, `python -m composition.consumer`: hears of orders, payments and shipments over Kafka.

Any number may run; Kafka shares the partitions out among them.
"""

import asyncio
import logging

from aiokafka.errors import KafkaError
from dishka import AsyncContainer
from faststream.kafka import KafkaBroker

from adapters.kafka.answering import missing
from adapters.telemetry.metrics import Metrics
from composition.process import leave_to_itself, run
from composition.settings import Settings
from order_service.domain.errors import DependencyUnavailable

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0


async def consume_forever(container: AsyncContainer) -> None:
    """Waits for a Kafka that is not there yet; once it was, the client finds back by itself."""
    settings = await container.get(Settings)
    while True:
        try:
            await _tell_of_missing_topics(settings)
            async with await container.get(KafkaBroker) as broker:
                await broker.start()
                leave_to_itself()
                _log.info("consumer is ready")
                await asyncio.Event().wait()
        except (KafkaError, DependencyUnavailable) as error:
            _log.warning("consumer waits: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)


async def _tell_of_missing_topics(settings: Settings) -> None:
    if settings.kafka is not None:
        for topic in await missing(settings.kafka, [*settings.heard_topics, settings.dead_letter_topic]):
            _log.error("Kafka has no topic %s, or not for us: nothing is heard of it until it has", topic)


async def main(container: AsyncContainer, _: Settings, __: Metrics) -> None:
    await consume_forever(container)


if __name__ == "__main__":
    run("consumer", main)
