"""What goes over Kafka: CloudEvents 1.0 in binary mode, keyed by order, so that an order's events stay in order.

What the service tells: `order.*` events, with the order as it is after the change. What it is told: payments and
shipments, by the services that know.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from order_service.ports import LoggedEvent

_VERSION = ("ce_specversion", b"1.0")
_SOURCE = ("ce_source", b"/orders")
_CONTENT_TYPE = ("content-type", b"application/json")

Text = Annotated[str, Meta(min_length=1, max_length=255)]
Headers = list[tuple[str, bytes]]


class PaymentCaptured(msgspec.Struct):
    """`amount` is a decimal text in `currency`."""

    payment_id: Text
    order_id: UUID
    amount: str
    currency: str
    captured_at: datetime
    method: Annotated[str, Meta(min_length=1, max_length=50)] = "OTHER"


class PaymentRefunded(msgspec.Struct):
    refund_id: Text
    order_id: UUID
    amount: str
    currency: str
    refunded_at: datetime
    payment_id: Text | None = None


class DispatchedLine(msgspec.Struct):
    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class ShipmentDispatched(msgspec.Struct):
    """Without `lines`: everything that has not left yet."""

    shipment_id: Text
    order_id: UUID
    dispatched_at: datetime
    lines: Annotated[list[DispatchedLine], Meta(min_length=1, max_length=200)] | None = None
    carrier: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    tracking: Text | None = None


class ShipmentDelivered(msgspec.Struct):
    shipment_id: Text
    order_id: UUID
    delivered_at: datetime


PAYMENTS: Mapping[str, type[msgspec.Struct]] = {
    "payment.captured": PaymentCaptured,
    "payment.refunded": PaymentRefunded,
}
SHIPMENTS: Mapping[str, type[msgspec.Struct]] = {
    "shipment.dispatched": ShipmentDispatched,
    "shipment.delivered": ShipmentDelivered,
}


class OrderNamed(msgspec.Struct):
    id: UUID


class OrderEvent(msgspec.Struct):
    """What the service hears of its own events: of which order. The rest (see `ToldEvent`) is for others."""

    order: OrderNamed


class Poison(Exception):
    """A message that no retry will make right. `cause` is for programs, the text for people."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


def headers_of(event: LoggedEvent, subject: bytes) -> Headers:
    """`subject` is the order's id, as text."""
    headers = [
        _VERSION,
        ("ce_id", str(event.id).encode()),
        _SOURCE,
        ("ce_type", event.type.encode()),
        ("ce_subject", subject),
        ("ce_time", event.occurred_at.isoformat().replace("+00:00", "Z").encode()),
        ("ce_sequence", b"%d" % event.seq),
        _CONTENT_TYPE,
    ]
    if event.trace is not None:
        headers.append(("traceparent", event.trace.encode()))
    return headers


def header(headers: Sequence[tuple[str, bytes]], name: str) -> str:
    """Raises Poison when it is missing, or has a character that is none: no database would keep it."""
    for known, value in headers:
        if known.lower() == name:
            text = value.decode(errors="backslashreplace")  # two that differ stay different
            if "\0" in text:
                raise Poison("malformed-header", f"The header {name} has a NUL character.")
            return text
    raise Poison("missing-header", f"The header {name} is missing.")


def decoded(
    value: bytes | None, headers: Sequence[tuple[str, bytes]], types: Mapping[str, type[msgspec.Struct]]
) -> msgspec.Struct:
    """The message, as the Struct that its `ce_type` says. Raises Poison."""
    version = header(headers, "ce_specversion")
    if version != "1.0":
        raise Poison("unknown-version", f"CloudEvents {version[:20]} is not known, 1.0 is.")
    header(headers, "ce_id")
    kind = header(headers, "ce_type")
    if kind not in types:
        raise Poison("unknown-type", f"{kind[:100]} is not known, {', '.join(types)} are.")
    if value is None:
        raise Poison("no-value", "The message has no value.")
    try:
        return msgspec.json.decode(value, type=types[kind])
    except msgspec.ValidationError as error:
        raise Poison("wrong-shape", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Poison("not-json", str(error)) from error
