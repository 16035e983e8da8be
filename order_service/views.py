"""The order as everybody outside sees it: over HTTP, on Kafka, in the event log and in the order's row.

One shape for all of them, so that what was answered once can be answered again, byte for byte, from the log.
Amounts are decimal texts, times aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from order_service.domain.actor import ActorKind
from order_service.domain.lifecycle import (
    CancelReason,
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnState,
    ReturnStatus,
    Status,
)
from order_service.domain.lines import LineQuantity
from order_service.domain.order import Order
from order_service.domain.returns import returned_quantities
from order_service.domain.shipments import shipped_quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    line_id: UUID
    sku: str | None
    name: str
    quantity: int
    unit_price: str
    total: str
    shipped: int
    canceled: int
    returned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    payment_id: str
    amount: str
    method: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    refund_id: str
    amount: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuantityView:
    line_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentView:
    shipment_id: str
    lines: tuple[LineQuantityView, ...]
    carrier: str | None
    tracking: str | None
    dispatched_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnView:
    return_id: str
    lines: tuple[LineQuantityView, ...]
    state: ReturnState
    reason: str
    note: str
    requested_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationView:
    reason: CancelReason
    note: str
    canceled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
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
    refunds: tuple[RefundView, ...]
    shipments: tuple[ShipmentView, ...]
    returns: tuple[ReturnView, ...] = ()
    external_ref: str | None
    metadata: Mapping[str, str]
    cancellation: CancellationView | None
    pay_by: datetime
    paid_at: datetime | None = None
    version: int
    placed_at: datetime
    updated_at: datetime
    redacted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RenderedOrder:
    """An order ready to send: `body` is the JSON of its OrderView at `version`, the same bytes on every path."""

    order_id: UUID
    customer_id: UUID
    version: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorView:
    kind: ActorKind
    id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An entry of an order's or an account's history; `change` has the fields of the event (see `domain.events`)."""

    id: UUID
    seq: int
    type: str
    occurred_at: datetime
    actor: ActorView
    change: Mapping[str, object]


def view_of(order: Order) -> OrderView:
    shipped, returned = shipped_quantities(order.shipments), returned_quantities(order.returns)
    return OrderView(
        id=order.id,
        number=order.number,
        customer_id=order.customer_id,
        currency=order.currency,
        status=order.status,
        processing_status=order.processing_status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        return_status=order.return_status,
        lines=tuple(
            LineView(
                line_id=line.line_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=str(line.unit_price),
                total=str(line.total),
                shipped=shipped.get(line.line_id, 0),
                canceled=line.canceled,
                returned=returned.get(line.line_id, 0),
            )
            for line in order.lines
        ),
        total=str(order.total),
        captured=str(order.captured),
        refunded=str(order.refunded),
        refund_due=str(order.refund_due),
        payments=tuple(
            PaymentView(
                payment_id=payment.payment_id,
                amount=str(payment.amount),
                method=payment.method,
                recorded_at=payment.recorded_at,
            )
            for payment in order.payments
        ),
        refunds=tuple(
            RefundView(
                refund_id=refund.refund_id,
                amount=str(refund.amount),
                reason=refund.reason,
                recorded_at=refund.recorded_at,
            )
            for refund in order.refunds
        ),
        shipments=tuple(
            ShipmentView(
                shipment_id=shipment.shipment_id,
                lines=_quantities(shipment.lines),
                carrier=shipment.carrier,
                tracking=shipment.tracking,
                dispatched_at=shipment.dispatched_at,
                delivered_at=shipment.delivered_at,
            )
            for shipment in order.shipments
        ),
        returns=tuple(
            ReturnView(
                return_id=one.return_id,
                lines=_quantities(one.lines),
                state=one.state,
                reason=one.reason,
                note=one.note,
                requested_at=one.requested_at,
                resolved_at=one.resolved_at,
            )
            for one in order.returns
        ),
        external_ref=order.external_ref,
        metadata=order.metadata,
        cancellation=None
        if order.cancellation is None
        else CancellationView(
            reason=order.cancellation.reason,
            note=order.cancellation.note,
            canceled_at=order.cancellation.canceled_at,
        ),
        pay_by=order.pay_by,
        paid_at=order.paid_at,
        version=order.version,
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        redacted_at=order.redacted_at,
    )


def redacted(view: OrderView) -> OrderView:
    """What is left of an order as it once was, when it is redacted (see `Order.redact`)."""
    canceled = view.cancellation
    return replace(
        view,
        external_ref=None,
        metadata={},
        shipments=tuple(replace(parcel, tracking=None) for parcel in view.shipments),
        returns=tuple(replace(one, reason="", note="") for one in view.returns),
        refunds=tuple(replace(refund, reason="") for refund in view.refunds),
        cancellation=None if canceled is None else replace(canceled, note=""),
    )


def _quantities(lines: tuple[LineQuantity, ...]) -> tuple[LineQuantityView, ...]:
    return tuple(LineQuantityView(line_id=entry.line_id, quantity=entry.quantity) for entry in lines)
