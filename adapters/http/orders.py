"""Orders over HTTP: each route decodes, asks one use case, and sends what it answers."""

from collections.abc import Mapping
from inspect import getdoc
from types import MappingProxyType
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from adapters.http.body import ABSENT, Amount, JsonBody, amount_text, optional_amount_text
from adapters.http.conditions import (
    IdempotencyKeyHeader,
    IfMatch,
    IfNoneMatch,
    already_has,
    etag,
    expected_versions,
    idempotency_key,
)
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.actor import Actor
from order_service.domain.lifecycle import CancelReason, Status
from order_service.domain.lines import LineQuantity
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.idempotency import Answer, IdempotencyKey
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.ship_order import ShipOrder
from order_service.views import OrderView

AnyRequest = Request[Any, Any, Any]
By = NamedDependency[Actor]
CHANGE = (*LIMITED, *TOKEN, 403, 404, 409, 412)


class NewLine(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=255, examples=["Mug"])]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000, examples=[3])]
    unit_price: Amount
    sku: Annotated[str, Meta(min_length=1, max_length=64, examples=["MUG-1"])] | None = None


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=200)]
    total_price: Amount = msgspec.field(default_factory=lambda: ABSENT)
    external_ref: Annotated[str, Meta(min_length=1, max_length=100, examples=["web-8841"])] | None = None
    metadata: Annotated[dict[str, str], Meta(examples=[{"channel": "web"}])] | None = None
    customer_id: Annotated[UUID, Meta(description="For staff: whose order it is.")] | None = None


class StatusChange(msgspec.Struct, forbid_unknown_fields=True):
    status: Literal["PAID", "SHIPPED", "DELIVERED", "CANCELED"]


class NewPayment(msgspec.Struct, forbid_unknown_fields=True):
    payment_id: Annotated[str, Meta(min_length=1, max_length=255, examples=["pay_8841"])]
    amount: Amount
    method: Annotated[str, Meta(min_length=1, max_length=50, examples=["CARD"])] = "OTHER"


class ShippedLine(msgspec.Struct, forbid_unknown_fields=True):
    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class NewShipment(msgspec.Struct, forbid_unknown_fields=True):
    """Without `lines`: everything that has not left yet."""

    lines: Annotated[list[ShippedLine], Meta(min_length=1, max_length=200)] | None = None
    carrier: Annotated[str, Meta(min_length=1, max_length=100, examples=["DHL"])] | None = None
    tracking: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class NewCancellation(msgspec.Struct, forbid_unknown_fields=True):
    reason: CancelReason
    note: Annotated[str, Meta(max_length=500)] = ""


@post(
    "/",
    operation_id="place_order",
    summary="Place an order",
    description=getdoc(PlaceOrder),
    dto=JsonBody.of(NewOrder),
    return_dto=None,
    responses=answers({200: OrderView, 201: OrderView}, *LIMITED, *TOKEN, *BODY, 403, 409),
)
async def place(
    data: JSONBody[NewOrder],
    request: AnyRequest,
    by: By,
    place_order: NamedDependency[PlaceOrder],
    key: IdempotencyKeyHeader = None,
    dry_run: Annotated[bool, QueryParameter(description="Price and check it, store nothing; then 200.")] = False,
) -> Response[bytes]:
    command = PlaceOrderCommand(
        by=by,
        currency=data.currency,
        lines=[
            WantedLine(name=line.name, quantity=line.quantity, unit_price=amount_text(line.unit_price), sku=line.sku)
            for line in data.lines
        ],
        total_price=optional_amount_text(data.total_price),
        external_ref=data.external_ref,
        metadata=data.metadata,
        customer_id=data.customer_id,
        idempotency_key=idempotency_key(key, request, data),
        dry_run=dry_run,
    )
    answer = await place_order(command)
    return _sent(answer) if dry_run else _sent(answer, 201, {"Location": f"/api/v1/orders/{answer.order.order_id}"})


@get(
    "/{order_id:uuid}",
    operation_id="get_order",
    summary="Read an order",
    description=getdoc(GetOrder),
    responses=answers({200: OrderView, 304: None}, *LIMITED, *TOKEN, 404),
)
async def read(
    order_id: FromPath[UUID], by: By, get_order: NamedDependency[GetOrder], if_none_match: IfNoneMatch = None
) -> Response[bytes]:
    order = await get_order(order_id, by=by)
    if already_has(if_none_match, order.version):
        return Response(b"", status_code=304, headers={"ETag": etag(order.version)})
    return Response(order.body, media_type="application/json", headers={"ETag": etag(order.version)})


@patch(
    "/{order_id:uuid}",
    operation_id="change_order_status",
    summary="Change an order's status, the short way",
    description=getdoc(ChangeStatus),
    dto=JsonBody.of(StatusChange),
    return_dto=None,
    responses=answers({200: OrderView}, *CHANGE, *BODY),
)
async def change(
    order_id: FromPath[UUID],
    data: JSONBody[StatusChange],
    by: By,
    change_status: NamedDependency[ChangeStatus],
    if_match: IfMatch = None,
) -> Response[bytes]:
    return _sent(await change_status(_wanted(order_id, by, if_match), Status(data.status)))


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
    answer = await record_payment(
        _wanted(order_id, by, if_match, idempotency_key(key, request, data)),
        payment_id=data.payment_id,
        amount=amount_text(data.amount),
        method=data.method,
    )
    return _sent(answer, 201)


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
    answer = await ship_order(
        _wanted(order_id, by, if_match, idempotency_key(key, request, data)),
        lines=None if data.lines is None else [LineQuantity(line.line_id, line.quantity) for line in data.lines],
        carrier=data.carrier,
        tracking=data.tracking,
    )
    return _sent(answer, 201)


@post(
    "/{order_id:uuid}/shipments/{shipment_id:str}/delivery",
    operation_id="deliver_shipment",
    summary="Note that a shipment arrived",
    description=getdoc(DeliverShipment),
    status_code=200,
    responses=answers({200: OrderView}, *CHANGE),
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
    wanted = _wanted(order_id, by, if_match, idempotency_key(key, request))
    return _sent(await deliver_shipment(wanted, shipment_id))


@post(
    "/{order_id:uuid}/cancellation",
    operation_id="cancel_order",
    summary="Cancel an order",
    description=getdoc(CancelOrder),
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
    key: IdempotencyKeyHeader = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = _wanted(order_id, by, if_match, idempotency_key(key, request, data))
    return _sent(await cancel_order(wanted, reason=data.reason, note=data.note))


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


def _wanted(order_id: UUID, by: Actor, if_match: str | None, key: IdempotencyKey | None = None) -> OrderChange:
    return OrderChange(order_id=order_id, by=by, expected_versions=expected_versions(if_match), idempotency_key=key)


def _sent(answer: Answer, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Response[bytes]:
    replayed = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return Response(
        answer.order.body,
        status_code=status,
        media_type="application/json",
        headers={"ETag": etag(answer.order.version), **replayed, **headers},
    )


ROUTES = [place, read, change, pay, ship, deliver, cancel, process]
