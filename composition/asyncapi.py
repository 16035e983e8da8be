"""What the service says and hears over Kafka, described for whoever is at the other end."""

from typing import Any

from adapters.kafka.asyncapi import describe
from composition.container import VERSION
from composition.settings import Settings


def asyncapi(settings: Settings) -> dict[str, Any]:
    """With this installation's topics."""
    return describe(
        version=VERSION,
        order_topic=settings.kafka_topic,
        payments_topic=settings.kafka_payments_topic,
        shipments_topic=settings.kafka_shipments_topic,
    )
