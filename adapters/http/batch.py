"""Many requests in one, over HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from inspect import getdoc
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from adapters.http.body import JsonBody
from adapters.http.conditions import IdempotencyKeyHeader, idempotency_key
from adapters.http.order_answers import AnyRequest, By
from adapters.http.orders import NewOrder, OrderPatch, amendment, place_command
from adapters.http.problems import BODY, LIMITED, TOKEN, ProblemOut, answers, refusal_document
from order_service.domain.errors import OrderServiceError
from order_service.domain.lifecycle import CancelReason, Status
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.idempotency import IdempotencyKey
from order_service.use_cases.place_order import PlaceOrderCommand
from order_service.use_cases.run_batch import (
    MOST_ITEMS,
    AmendItem,
    BatchItem,
    CancelItem,
    Result,
    RunBatch,
    StatusItem,
)
from order_service.views import OrderView


class PlaceIn(NewOrder, forbid_unknown_fields=True, tag_field="op", tag="place"):
    """As POST /orders."""


class _Change(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    order_id: UUID
    version: Annotated[int, Meta(ge=1, description="Only if the order is at this version.")] | None = None


class StatusIn(_Change, forbid_unknown_fields=True, tag_field="op", tag="change_status", kw_only=True):
    status: Literal["PAID", "SHIPPED", "DELIVERED", "CANCELED"]


class AmendIn(_Change, forbid_unknown_fields=True, tag_field="op", tag="amend", kw_only=True):
    external_ref: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType | None = UNSET
    metadata: dict[str, str | None] | UnsetType = UNSET


class CancelIn(_Change, forbid_unknown_fields=True, tag_field="op", tag="cancel", kw_only=True):
    reason: CancelReason
    note: Annotated[str, Meta(max_length=500)] = ""


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """`independent`: what fails fails alone. `atomic`: all items or none."""

    mode: Literal["independent", "atomic"]
    items: Annotated[list[PlaceIn | StatusIn | AmendIn | CancelIn], Meta(min_length=1)]


class BatchResult(msgspec.Struct):
    """`order` or `problem`, as the item would have been answered alone, with this `status`."""

    status: int
    order: OrderView | UnsetType = UNSET
    problem: ProblemOut | UnsetType = UNSET


class BatchOut(msgspec.Struct):
    results: list[BatchResult]


@post(
    "/batch",
    operation_id="run_batch",
    summary="Place or change up to 100 orders with one request",
    description=getdoc(RunBatch),
    dto=JsonBody.of(Batch),
    return_dto=None,
    status_code=200,
    responses=answers({200: BatchOut}, *LIMITED, *TOKEN, *BODY, 409),
)
async def run(
    data: JSONBody[Batch],
    request: AnyRequest,
    by: By,
    run_batch: NamedDependency[RunBatch],
    key: IdempotencyKeyHeader = None,
) -> Response[bytes]:
    if len(data.items) > MOST_ITEMS:
        raise HTTPException(status_code=413, detail=f"A batch has at most {MOST_ITEMS} items.")
    idempotency_key(key, request)  # refuses what is no key
    items = [_item(entry, by, _key_of(key, request, entry, place)) for place, entry in enumerate(data.items)]
    results = await run_batch(items, atomic=data.mode == "atomic")
    return Response(_body(request, items, results), media_type="application/json")


def _item(entry: PlaceIn | StatusIn | AmendIn | CancelIn, by: By, key: IdempotencyKey | None) -> BatchItem:
    if isinstance(entry, PlaceIn):
        return replace(place_command(entry, by), idempotency_key=key)
    versions = None if entry.version is None else frozenset({entry.version})
    wanted = OrderChange(order_id=entry.order_id, by=by, expected_versions=versions, idempotency_key=key)
    match entry:
        case StatusIn():
            return StatusItem(wanted, Status(entry.status))
        case AmendIn():
            return AmendItem(wanted, amendment(OrderPatch(external_ref=entry.external_ref, metadata=entry.metadata)))
        case CancelIn():
            return CancelItem(wanted=wanted, reason=entry.reason, note=entry.note)


def _key_of(header: str | None, request: AnyRequest, entry: msgspec.Struct, place: int) -> IdempotencyKey | None:
    """Each item has a key of its own, which no client can send: no key has a space."""
    key = idempotency_key(header, request, entry)
    return None if key is None else replace(key, key=f"{key.key} {place}")


def _body(request: AnyRequest, items: Sequence[BatchItem], results: Sequence[Result]) -> bytes:
    """The orders are JSON already."""
    parts = []
    for item, result in zip(items, results, strict=True):
        if isinstance(result, OrderServiceError):
            problem = refusal_document(request, result)
            parts.append(msgspec.json.encode({"status": problem["status"], "problem": problem}))
        else:
            status = HTTPStatus.CREATED if isinstance(item, PlaceOrderCommand) else HTTPStatus.OK
            parts.append(b'{"status":%d,"order":%b}' % (status, result.order.body))
    return b'{"results":[%b]}' % b",".join(parts)


ROUTES = [run]
