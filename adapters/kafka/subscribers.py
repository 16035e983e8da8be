"""What the service hears over Kafka, as thin as routes: decode, ask one use case.

A record counts as heard once its effect is committed; then the offset is. So it may come again, and the use cases
see to it that it takes effect once.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from adapters.kafka.cluster import Cluster
from adapters.kafka.dead_letters import DeadLetters
from adapters.kafka.hearing import Around, Handle, Hearing, Record
from adapters.kafka.messages import (
    PAYMENTS,
    SHIPMENTS,
    OrderEvent,
    PaymentCaptured,
    PaymentRefunded,
    ShipmentDelivered,
    ShipmentDispatched,
    decoded,
    header,
)
from order_service.domain.actor import SYSTEM
from order_service.domain.lines import LineQuantity
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.follow_order import FollowOrder
from order_service.use_cases.idempotency import ConsumedMessage
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.ship_order import ShipOrder

_LONGEST_NAME = 500
_MOST_RECORDS = 500  # many orders at the same time, and yet soon repeated if the batch is given back


@dataclass(frozen=True, slots=True)
class KafkaUseCases:
    """All that can be done over Kafka."""

    follow_order: FollowOrder
    record_payment: RecordPayment
    record_refund: RecordRefund
    ship_order: ShipOrder
    deliver_shipment: DeliverShipment


def make_broker(
    cluster: Cluster,
    *,
    order_topic: str,
    payments_topic: str,
    shipments_topic: str,
    use_cases: KafkaUseCases,
    dead_letters: DeadLetters,
    around: Around,
) -> KafkaBroker:
    """A FastStream broker with a subscriber for each topic; nothing connects before it is started."""
    broker = KafkaBroker(
        list(cluster.servers),
        security=cluster.security,
        allow_auto_create_topics=False,  # else one that is missing is made, as the cluster makes any, and not as ours
        metadata_max_age_ms=30_000,  # one that is made later is heard from then on
        apply_types=False,
        logger=None,
        graceful_timeout=15,
    )
    heard = _Subscribers(use_cases)
    topics: Mapping[str, Handle] = {
        order_topic: heard.order_event,
        payments_topic: heard.payment,
        shipments_topic: heard.shipment,
    }
    for topic, handle in topics.items():
        subscriber = broker.subscriber(
            topic,
            group_id=group_of(topic),
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,  # commits after the handler returned, goes back when it raised
            batch=True,
            max_records=_MOST_RECORDS,
            batch_timeout_ms=100,
            parser=_unread,
            decoder=_undecoded,
        )
        subscriber(Hearing(handle, dead_letters, around=around).__call__)
    return broker


def group_of(topic: str) -> str:
    """The consumer group that hears it: one for each topic, so that none waits for another's rebalance."""
    return f"order-service-{topic}"


class _Subscribers:
    def __init__(self, use_cases: KafkaUseCases) -> None:
        self._use_cases = use_cases

    async def order_event(self, record: Record) -> None:
        kind = header(record.headers, "ce_type")
        event = decoded(record.value, record.headers, {kind: OrderEvent})
        assert isinstance(event, OrderEvent)  # noqa: S101 - for the type checker: `decoded` gave what it was asked for
        await self._use_cases.follow_order(kind, event.order.id)

    async def payment(self, record: Record) -> None:
        match decoded(record.value, record.headers, PAYMENTS):
            case PaymentCaptured() as paid:
                await self._use_cases.record_payment(
                    _change(record, paid.order_id),
                    payment_id=paid.payment_id,
                    amount=paid.amount,
                    currency=paid.currency,
                    method=paid.method,
                )
            case PaymentRefunded() as refunded:
                await self._use_cases.record_refund(
                    _change(record, refunded.order_id),
                    refund_id=refunded.refund_id,
                    amount=refunded.amount,
                    currency=refunded.currency,
                )

    async def shipment(self, record: Record) -> None:
        match decoded(record.value, record.headers, SHIPMENTS):
            case ShipmentDispatched() as sent:
                lines = None if sent.lines is None else [LineQuantity(n.line_id, n.quantity) for n in sent.lines]
                await self._use_cases.ship_order(
                    _change(record, sent.order_id),
                    shipment_id=sent.shipment_id,
                    lines=lines,
                    carrier=sent.carrier,
                    tracking=sent.tracking,
                )
            case ShipmentDelivered() as delivered:
                await self._use_cases.deliver_shipment(_change(record, delivered.order_id), delivered.shipment_id)


def _change(record: Record, order_id: UUID) -> OrderChange:
    name = f"{header(record.headers, 'ce_source')} {header(record.headers, 'ce_id')}"
    if len(name) > _LONGEST_NAME:  # by its digest: names that only begin alike are not the same
        name = sha256(name.encode()).hexdigest()
    return OrderChange(order_id=order_id, by=SYSTEM, message=ConsumedMessage(record.topic, name))


async def _unread(records: Sequence[Record], parse: Callable[[Any], Awaitable[Any]]) -> Any:
    """FastStream reads every header as UTF-8 text, and would stumble over one that is not, for ever.

    So it reads none; and only the first record, as what it makes of them is not looked at.
    """
    message = await parse((dataclasses.replace(records[0], headers=()),))
    message.raw_message = tuple(records)
    return message


async def _undecoded(message: Any) -> Sequence[Record]:
    records: Sequence[Record] = message.raw_message
    return records
