"""Goods that come back, over HTTP."""

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
from order_service.use_cases.receive_return import ReceiveReturn
from order_service.use_cases.refuse_return import RefuseReturn
from order_service.use_cases.request_return import RequestReturn
from order_service.views import OrderView


class NewReturn(msgspec.Struct, forbid_unknown_fields=True):
    """Without `lines`: everything that has shipped and is not returned yet."""

    lines: SomeLines | None = None
    reason: Annotated[str, text(500, shortest=0, example="too small")] = ""


class Resolution(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """May be left out altogether."""

    note: Annotated[str, text(500, shortest=0, example="as good as new")] = ""


_WITHOUT_A_NOTE = Resolution()


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


ROUTES = [return_goods, receive, refuse]
