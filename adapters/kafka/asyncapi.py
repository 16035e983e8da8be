"""The Kafka side of the service, described (AsyncAPI 3.0) from the Structs that decode it."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from adapters.kafka.messages import PAYMENTS, SHIPMENTS
from order_service.domain.events import Event
from order_service.told import ToldEvent

_HEADERS = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {
            "type": "string",
            "description": "Unique within ce_source: a message that comes again is known by it.",
        },
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_subject": {"type": "string", "description": "The order's id; also the record's key."},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_sequence": {"type": "string", "description": "The event's place among those of its order, from 1."},
        "traceparent": {
            "type": "string",
            "description": "Of the trace that the message belongs to, if any (W3C Trace Context).",
        },
    },
}


_ORDERS = (
    "Everything that happens to an order, in order per order, without personal data: notes, reasons, tracking "
    "numbers, external_ref and metadata are read over HTTP, by whoever may."
)


def describe(*, version: str, order_topic: str, payments_topic: str, shipments_topic: str) -> dict[str, Any]:
    told: Mapping[str, type] = {event.type: ToldEvent for event in get_args(Event)}
    heard: Mapping[str, Mapping[str, type]] = {payments_topic: PAYMENTS, shipments_topic: SHIPMENTS}
    models = {model.__name__: model for types in (told, *heard.values()) for model in types.values()}
    _, schemas = msgspec.json.schema_components(models.values(), ref_template="#/components/schemas/{name}")
    channels = {"orders": _channel(order_topic, told, _ORDERS)}
    channels |= {
        f"heard_{topic}": _channel(topic, types, "What the service is told; the same message twice has one effect.")
        for topic, types in heard.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Order service",
            "version": version,
            "description": "CloudEvents 1.0 in binary mode, JSON values, keyed by order id.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            name: {
                "action": "send" if name == "orders" else "receive",
                "channel": {"$ref": f"#/channels/{name}"},
            }
            for name in channels
        },
        "components": {"schemas": schemas},
    }


def _channel(topic: str, types: Mapping[str, type], description: str) -> dict[str, Any]:
    messages = {
        kind.replace(".", "_"): {
            "name": kind,
            "headers": _HEADERS,
            "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        }
        for kind, model in types.items()
    }
    return {"address": topic, "description": description, "messages": messages}
