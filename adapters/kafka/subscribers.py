"""What the service hears over Kafka, as thin as routes: decode, ask one use case.

A record counts as heard once its effect is committed; then the offset is. So it may come again, and the use cases
see to it that it takes effect once.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from adapters.kafka.cluster import Cluster
from adapters.kafka.dead_letters import DeadLetters
from adapters.kafka.messages import (
    PAYMENTS,
    SHIPMENTS,
    OrderEvent,
    PaymentCaptured,
    PaymentRefunded,
    Poison,
    ShipmentDelivered,
    ShipmentDispatched,
    decoded,
    header,
)
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DependencyUnavailable, OrderServiceError
from order_service.domain.lines import LineQuantity
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.follow_order import FollowOrder
from order_service.use_cases.idempotency import ConsumedMessage
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.ship_order import ShipOrder

_log = logging.getLogger(__name__)

GROUP = "order-service"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_PATIENCE_SECONDS = 120.0  # then the batch is given back and fetched anew, before the broker takes us for dead
_TRIES_OF_A_BUG = 3
_LONGEST_NAME = 500

Record = Any
"""aiokafka's ConsumerRecord."""

Heard = Callable[[Record], Awaitable[None]]


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
) -> KafkaBroker:
    """A FastStream broker with a subscriber for each topic; nothing connects before it is started."""
    broker = KafkaBroker(
        list(cluster.servers), security=cluster.security, apply_types=False, logger=None, graceful_timeout=15
    )
    heard = _Subscribers(use_cases)
    topics: Mapping[str, Heard] = {
        order_topic: heard.order_event,
        payments_topic: heard.payment,
        shipments_topic: heard.shipment,
    }
    for topic, handle in topics.items():
        subscriber = broker.subscriber(
            topic,
            group_id=f"{GROUP}-{topic}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,  # commits after the handler returned, goes back when it raised
            batch=True,
            max_records=100,
            batch_timeout_ms=100,
            parser=_unread,
            decoder=_undecoded,
        )
        subscriber(_each(handle, dead_letters))
    return broker


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


def _each(handle: Heard, dead_letters: DeadLetters) -> Callable[[Sequence[Record]], Awaitable[None]]:
    """One record after the other, so that an order's stay in order, and none of them holds up the rest for ever."""

    async def heard(records: Sequence[Record]) -> None:
        for record in records:
            try:
                await one(record)
            except DependencyUnavailable as error:
                _log.warning("consumer gives messages of %s back: %s", record.topic, error)
                await asyncio.sleep(_FIRST_PAUSE_SECONDS)
                raise

    async def one(record: Record) -> None:
        try:
            await _patiently(handle, record)
        except Poison as poison:
            await dead_letters.put(record, cause=poison.cause, detail=str(poison))
        except DependencyUnavailable:
            raise
        except OrderServiceError as refusal:
            await dead_letters.put(record, cause=refusal.code, detail=str(refusal))

    return heard


async def _patiently(handle: Heard, record: Record) -> None:
    """Waits for a dependency that is gone; tries a bug's victim a few times, then calls it poison."""
    pause, waited, bugs = _FIRST_PAUSE_SECONDS, 0.0, 0
    while True:
        try:
            return await handle(record)
        except OrderServiceError as error:
            if not isinstance(error, DependencyUnavailable) or waited >= _PATIENCE_SECONDS:
                raise
            _log.warning("consumer waits: %s", error)
        except Poison:
            raise
        except Exception as error:
            bugs += 1
            _log.exception("message %s/%d@%d failed", record.topic, record.partition, record.offset)
            if bugs == _TRIES_OF_A_BUG:
                raise Poison("unexpected-error", type(error).__name__) from error
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _unread(records: Sequence[Record], parse: Callable[[Any], Awaitable[Any]]) -> Any:
    """FastStream reads every header as UTF-8 text, and would stumble over one that is not, for ever."""
    message = await parse(tuple(dataclasses.replace(record, headers=()) for record in records))
    message.raw_message = tuple(records)
    return message


async def _undecoded(message: Any) -> Sequence[Record]:
    records: Sequence[Record] = message.raw_message
    return records
