"""Money that comes in for an order, and goes back, over HTTP."""

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
    order_change,
    sent,
)
from adapters.http.problems import BODY, answers
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.views import OrderView


class NewPayment(msgspec.Struct, forbid_unknown_fields=True):
    payment_id: Annotated[str, text(255, example="pay_8841")]
    amount: Amount
    method: Annotated[str, text(50, example="CARD")] = "OTHER"


class NewRefund(msgspec.Struct, forbid_unknown_fields=True):
    refund_id: Annotated[str, text(255, example="ref_8841")]
    amount: Amount
    reason: Annotated[str, text(500, shortest=0, example="returned")] = ""


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


ROUTES = [pay, refund]
