"""The JSON of an order, and the way back from it.

Every path gives the same bytes. An order's row keeps them as they were written, so what is read goes out as it is. Of
an event PostgreSQL keeps a JSONB value, which gives its keys back in an order of its own; it is taken through the
same view before it is sent, and so is a row that was written by an older or a newer release.
"""

from typing import Any, Protocol

import msgspec

from adapters.persistence.outlines import outline
from order_service.domain.events import Event
from order_service.domain.facts import Cancellation
from order_service.domain.lines import Line, LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.payments import Payment, Refund
from order_service.domain.recorded import Recorded
from order_service.domain.returns import Return
from order_service.domain.shipments import Shipment
from order_service.told import FREE_TEXT_IN_CHANGES, ToldEvent
from order_service.views import ActorView, LineQuantityView, OrderView, RenderedOrder, redacted, view_of

BY_DATABASE = 0
"""The format of a text that PostgreSQL wrote."""

BODY_FORMAT = 1
"""Of the bytes that an order is written in: raised with each change of OrderView, and never used again.

Text of another format is read through the view, at twenty times the cost, until its order is next changed.
"""

# The keys of metadata in an order of our own: JSONB does not keep the client's.
_encoder = msgspec.json.Encoder(order="deterministic")
_view_decoder = msgspec.json.Decoder(OrderView)
_told_decoder = msgspec.json.Decoder(outline(ToldEvent))


class EventPayload(msgspec.Struct):
    """What is kept of an event: the order after it, what changed, its place and who did it."""

    order: msgspec.Raw
    change: dict[str, object]
    seq: int
    actor: ActorView


_payload_decoder = msgspec.json.Decoder(EventPayload)


def rendered(order: Order) -> RenderedOrder:
    return rendered_view(view_of(order))


def rendered_from(body: str | bytes) -> RenderedOrder:
    return rendered_view(_view_decoder.decode(body))


def rendered_view(view: OrderView) -> RenderedOrder:
    return RenderedOrder(view.id, view.customer_id, view.version, _encoder.encode(view))


class Row(Protocol):
    def __getitem__(self, column: str, /) -> Any: ...


IN_A_RENDERED_ROW = ("id", "customer_id", "version", "body", "body_format")


def rendered_row(row: Row) -> RenderedOrder:
    """`row` has these columns of an order's row."""
    if row["body_format"] != BODY_FORMAT:
        return rendered_from(row["body"])
    return RenderedOrder(row["id"], row["customer_id"], row["version"], row["body"].encode())


def json_text(value: object) -> str:
    return _encoder.encode(value).decode()


def event_payload(event: Recorded[Event], order: RenderedOrder) -> str:
    """The text of an EventPayload."""
    by = ActorView(kind=event.by.kind, id=event.by.id)
    return json_text({"order": msgspec.Raw(order.body), "change": event.event, "seq": event.seq, "actor": by})


def told(event_type: str, payload: str | bytes) -> bytes:
    """Of what is kept of an event, what others are told."""
    event = _told_decoder.decode(payload)  # which passes over every field that is not to be told
    personal = FREE_TEXT_IN_CHANGES.get(event_type)
    if personal:
        event.change = {name: v for name, v in event.change.items() if name not in personal}
    return _encoder.encode(event)


def redacted_payload(event_type: str, payload: str | bytes) -> str | None:
    """What is kept of an event once its order is redacted; None if that is what is kept already."""
    kept = _payload_decoder.decode(payload)
    view = _view_decoder.decode(kept.order)
    words = {name for name in FREE_TEXT_IN_CHANGES.get(event_type, ()) if kept.change[name]}
    if redacted(view) == view and not words:
        return None
    order = msgspec.Raw(_encoder.encode(redacted(view)))
    return json_text(msgspec.structs.replace(kept, order=order, change=kept.change | dict.fromkeys(words, "")))


def order_from(body: str) -> Order:
    """The aggregate, as it was when `rendered`."""
    view = _view_decoder.decode(body)

    def money(amount: str) -> Money:
        return Money.parse(amount, view.currency, field="amount")

    return Order(
        id=view.id,
        number=view.number,
        customer_id=view.customer_id,
        currency=view.currency,
        lines=tuple(
            Line(
                line_id=line.line_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=money(line.unit_price),
                canceled=line.canceled,
            )
            for line in view.lines
        ),
        payments=tuple(
            Payment(
                payment_id=payment.payment_id,
                amount=money(payment.amount),
                method=payment.method,
                recorded_at=payment.recorded_at,
            )
            for payment in view.payments
        ),
        refunds=tuple(
            Refund(
                refund_id=refund.refund_id,
                amount=money(refund.amount),
                reason=refund.reason,
                recorded_at=refund.recorded_at,
            )
            for refund in view.refunds
        ),
        shipments=tuple(
            Shipment(
                shipment_id=shipment.shipment_id,
                lines=_quantities(shipment.lines),
                carrier=shipment.carrier,
                tracking=shipment.tracking,
                dispatched_at=shipment.dispatched_at,
                delivered_at=shipment.delivered_at,
            )
            for shipment in view.shipments
        ),
        returns=tuple(
            Return(
                return_id=one.return_id,
                lines=_quantities(one.lines),
                state=one.state,
                reason=one.reason,
                note=one.note,
                requested_at=one.requested_at,
                resolved_at=one.resolved_at,
            )
            for one in view.returns
        ),
        external_ref=view.external_ref,
        metadata=view.metadata,
        processing_status=view.processing_status,
        cancellation=None
        if view.cancellation is None
        else Cancellation(
            reason=view.cancellation.reason,
            note=view.cancellation.note,
            canceled_at=view.cancellation.canceled_at,
        ),
        pay_by=view.pay_by,
        paid_at=view.paid_at,
        version=view.version,
        placed_at=view.placed_at,
        updated_at=view.updated_at,
        redacted_at=view.redacted_at,
    )


def _quantities(lines: tuple[LineQuantityView, ...]) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(entry.line_id, entry.quantity) for entry in lines)
