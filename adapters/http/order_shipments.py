"""Parcels, over HTTP."""

from inspect import getdoc
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from adapters.http.body import JsonBody, text
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
from adapters.http.problems import BODY, answers
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.ship_order import ShipOrder
from order_service.views import OrderView


class NewShipment(msgspec.Struct, forbid_unknown_fields=True):
    """Without `lines`: everything that has not left yet."""

    lines: SomeLines | None = None
    carrier: Annotated[str, text(100, example="DHL")] | None = None
    tracking: Annotated[str, text(255, example="JD0146")] | None = None


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


ROUTES = [ship, deliver]
