"""What happens to orders, over HTTP: money, parcels, returns, cancellation, screening."""

from inspect import getdoc
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from adapters.http.body import Amount, JsonBody, amount_text, text
from adapters.http.conditions import IdempotencyKeyHeader, IfMatch, idempotency_key
from adapters.http.order_answers import (
    CHANGE,
    AnyRequest,
    By,
    SomeLines,
    order_change,
    quantities,
    sent,
)
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.lifecycle import CancelReason
from order_service.use_cases.cancel_lines import CancelLines
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.receive_return import ReceiveReturn
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.refuse_return import RefuseReturn
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.request_return import RequestReturn
from order_service.use_cases.ship_order import ShipOrder
from order_service.views import OrderView


class NewPayment(msgspec.Struct, forbid_unknown_fields=True):
    payment_id: Annotated[str, text(255, example="pay_8841")]
    amount: Amount
    method: Annotated[str, text(50, example="CARD")] = "OTHER"


class NewRefund(msgspec.Struct, forbid_unknown_fields=True):
    refund_id: Annotated[str, text(255, example="ref_8841")]
    amount: Amount
    reason: Annotated[str, text(500, shortest=0, example="returned")] = ""


class NewShipment(msgspec.Struct, forbid_unknown_fields=True):
    """Without `lines`: everything that has not left yet."""

    lines: SomeLines | None = None
    carrier: Annotated[str, text(100, example="DHL")] | None = None
    tracking: Annotated[str, text(255, example="JD0146")] | None = None


class NewCancellation(msgspec.Struct, forbid_unknown_fields=True):
    """With `lines`: only these, and the order goes on without them."""

    reason: CancelReason
    note: Annotated[str, text(500, shortest=0)] = ""
    lines: SomeLines | None = None


class NewReturn(msgspec.Struct, forbid_unknown_fields=True):
    """Without `lines`: everything that has shipped and is not returned yet."""

    lines: SomeLines | None = None
    reason: Annotated[str, text(500, shortest=0, example="too small")] = ""


class Resolution(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """May be left out altogether."""

    note: Annotated[str, text(500, shortest=0, example="as good as new")] = ""


_WITHOUT_A_NOTE = Resolution()


@post(
    "/{order_id:uuid}/payments",
    operation_id="record_payment",
    summary="Record a payment",
    description=getdoc(RecordPayment),
    dto=JsonBody.of(NewPayment),
    return_dto=None,
    responses=answers({201: OrderView}, *CHANGE, *BODY),
)
async def pay(
    order_id: FromPath[UUID],
    data: JSONBody[NewPayment],
    request: AnyRequest,
    by: By,
    record_payment: NamedDependency[RecordPayment],
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    answer = await record_payment(
        wanted, payment_id=data.payment_id, amount=amount_text(data.amount), method=data.method
    )
    return sent(answer, 201)


@post(
    "/{order_id:uuid}/refunds",
    operation_id="record_refund",
    summary="Record a refund",
    description=getdoc(RecordRefund),
    dto=JsonBody.of(NewRefund),
    return_dto=None,
    responses=answers({201: OrderView}, *CHANGE, *BODY),
)
async def refund(
    order_id: FromPath[UUID],
    data: JSONBody[NewRefund],
    request: AnyRequest,
    by: By,
    record_refund: NamedDependency[RecordRefund],
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    answer = await record_refund(
        wanted, refund_id=data.refund_id, amount=amount_text(data.amount), reason=data.reason
    )
    return sent(answer, 201)


@post(
    "/{order_id:uuid}/shipments",
    operation_id="ship_order",
    summary="Ship an order, whole or in part",
    description=getdoc(ShipOrder),
    dto=JsonBody.of(NewShipment),
    return_dto=None,
    responses=answers({201: OrderView}, *CHANGE, *BODY),
)
async def ship(
    order_id: FromPath[UUID],
    data: JSONBody[NewShipment],
    request: AnyRequest,
    by: By,
    ship_order: NamedDependency[ShipOrder],
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    answer = await ship_order(wanted, lines=quantities(data.lines), carrier=data.carrier, tracking=data.tracking)
    return sent(answer, 201)


@post(
    "/{order_id:uuid}/shipments/{shipment_id:str}/delivery",
    operation_id="deliver_shipment",
    summary="Note that a shipment arrived",
    description=getdoc(DeliverShipment),
    status_code=200,
    responses=answers({200: OrderView}, *CHANGE, 422),
)
async def deliver(
    order_id: FromPath[UUID],
    shipment_id: FromPath[str],
    request: AnyRequest,
    by: By,
    deliver_shipment: NamedDependency[DeliverShipment],
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request))
    return sent(await deliver_shipment(wanted, shipment_id))


@post(
    "/{order_id:uuid}/cancellation",
    operation_id="cancel_order",
    summary="Cancel an order, or lines of it",
    description=f"{getdoc(CancelOrder)}\n\n{getdoc(CancelLines)}",
    dto=JsonBody.of(NewCancellation),
    return_dto=None,
    status_code=200,
    responses=answers({200: OrderView}, *CHANGE, *BODY),
)
async def cancel(
    order_id: FromPath[UUID],
    data: JSONBody[NewCancellation],
    request: AnyRequest,
    by: By,
    cancel_order: NamedDependency[CancelOrder],
    cancel_lines: NamedDependency[CancelLines],
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    lines = quantities(data.lines)
    if lines is None:
        return sent(await cancel_order(wanted, reason=data.reason, note=data.note))
    return sent(await cancel_lines(wanted, lines=lines, reason=data.reason))


@post(
    "/{order_id:uuid}/returns",
    operation_id="request_return",
    summary="Ask for goods to be taken back",
    description=getdoc(RequestReturn),
    dto=JsonBody.of(NewReturn),
    return_dto=None,
    responses=answers({201: OrderView}, *CHANGE, *BODY),
)
async def return_goods(
    order_id: FromPath[UUID],
    data: JSONBody[NewReturn],
    request: AnyRequest,
    by: By,
    request_return: NamedDependency[RequestReturn],
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    return sent(await request_return(wanted, lines=quantities(data.lines), reason=data.reason), 201)


@post(
    "/{order_id:uuid}/returns/{return_id:str}/receipt",
    operation_id="receive_return",
    summary="Note that a return is here",
    description=getdoc(ReceiveReturn),
    dto=JsonBody.of(Resolution),
    return_dto=None,
    status_code=200,
    responses=answers({200: OrderView}, *CHANGE, *BODY),
)
async def receive(
    order_id: FromPath[UUID],
    return_id: FromPath[str],
    request: AnyRequest,
    by: By,
    receive_return: NamedDependency[ReceiveReturn],
    data: JSONBody[Resolution] = _WITHOUT_A_NOTE,
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    return sent(await receive_return(wanted, return_id, note=data.note))


@post(
    "/{order_id:uuid}/returns/{return_id:str}/refusal",
    operation_id="refuse_return",
    summary="Refuse a return",
    description=getdoc(RefuseReturn),
    dto=JsonBody.of(Resolution),
    return_dto=None,
    status_code=200,
    responses=answers({200: OrderView}, *CHANGE, *BODY),
)
async def refuse(
    order_id: FromPath[UUID],
    return_id: FromPath[str],
    request: AnyRequest,
    by: By,
    refuse_return: NamedDependency[RefuseReturn],
    data: JSONBody[Resolution] = _WITHOUT_A_NOTE,
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(order_id, by, if_match, idempotency_key(key, request, data))
    return sent(await refuse_return(wanted, return_id, note=data.note))


@post(
    "/{order_id:uuid}/processing",
    operation_id="screen_order_again",
    summary="Ask for an order to be screened again",
    description=getdoc(RequestProcessing),
    status_code=202,
    responses=answers({202: None}, *LIMITED, *TOKEN, 403, 404, 409),
)
async def process(
    order_id: FromPath[UUID], by: By, request_processing: NamedDependency[RequestProcessing]
) -> Response[bytes]:
    await request_processing(order_id, by=by)
    return Response(b"", status_code=202)


ROUTES = [pay, refund, ship, deliver, cancel, return_goods, receive, refuse, process]
