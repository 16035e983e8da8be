"""The order as it is told to everybody who listens on Kafka: without what a person may have said of themselves.

What is told cannot be taken back, so it is listed here field by field: what is added to an order stays at home until
somebody adds it here, too. Left out are `external_ref`, `metadata`, tracking numbers (with one a carrier gives name
and address), and every note and reason that is free text; the same that erasure takes out (`views.redacted`).
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from order_service.domain.events import OrderRefunded
from order_service.domain.lifecycle import (
    CancelReason,
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnState,
    ReturnStatus,
    Status,
)
from order_service.views import ActorView, LineQuantityView, LineView, PaymentView

FREE_TEXT_IN_CHANGES: Mapping[str, Set[str]] = {OrderRefunded.type: {"reason"}}
"""Type of event -> which fields of it are a person's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRefund:
    refund_id: str
    amount: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldShipment:
    shipment_id: str
    lines: tuple[LineQuantityView, ...]
    carrier: str | None
    dispatched_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReturn:
    return_id: str
    lines: tuple[LineQuantityView, ...]
    state: ReturnState
    requested_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCancellation:
    reason: CancelReason
    canceled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOrder:
    id: UUID
    number: str
    customer_id: UUID
    currency: str
    status: Status
    processing_status: ProcessingStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    return_status: ReturnStatus
    lines: tuple[LineView, ...]
    total: str
    captured: str
    refunded: str
    refund_due: str
    payments: tuple[PaymentView, ...]
    refunds: tuple[ToldRefund, ...]
    shipments: tuple[ToldShipment, ...]
    returns: tuple[ToldReturn, ...] = ()
    cancellation: ToldCancellation | None
    pay_by: datetime
    paid_at: datetime | None = None
    version: int
    placed_at: datetime
    updated_at: datetime
    redacted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """The order after the event, what changed, the event's place among those of the order, and who did it."""

    order: ToldOrder
    change: Mapping[str, Any]
    seq: int
    actor: ActorView
