"""Orders that are called off, whole or in part, and screened again, over HTTP."""

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
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.errors import InvalidField
from order_service.domain.lifecycle import CancelReason
from order_service.use_cases.cancel_lines import CancelLines
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.request_processing import RequestProcessing
from order_service.views import OrderView


class NewCancellation(msgspec.Struct, forbid_unknown_fields=True):
    """With `lines`: only these, and the order goes on without them."""

    reason: CancelReason
    note: Annotated[str, text(500, shortest=0)] = ""
    lines: SomeLines | None = None


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
    if lines is not None and data.note:
        raise InvalidField("note", "belongs to the cancellation of a whole order.")
    if lines is None:
        return sent(await cancel_order(wanted, reason=data.reason, note=data.note))
    return sent(await cancel_lines(wanted, lines=lines, reason=data.reason))


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


ROUTES = [cancel, process]
