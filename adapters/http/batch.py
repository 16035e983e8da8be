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

from adapters.http.as_is import AsIs
from adapters.http.body import METADATA, JsonBody, text
from adapters.http.conditions import IdempotencyKeyHeader, idempotency_key
from adapters.http.order_answers import AnyRequest, By
from adapters.http.orders import NewOrder, OrderPatch, amendment, place_command
from adapters.http.problems import BODY, LIMITED, TOKEN, ProblemOut, answers, refusal_document
from order_service.domain.errors import InvalidField, OrderServiceError
from order_service.domain.lifecycle import CancelReason, Status
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.idempotency import Answer, IdempotencyKey
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

_HOW = """One `Idempotency-Key` is for the whole batch. It is answered with 200 whatever its items came to: each
result has the status that the item would have had alone, also in an atomic batch that failed. For the rate limit it
is one request."""


class PlaceIn(NewOrder, forbid_unknown_fields=True, tag_field="op", tag="place"):
    """As POST /orders."""


class _Change(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    order_id: UUID
    version: Annotated[int, Meta(ge=1, description="Only if the order is at this version.")] | None = None


class StatusIn(_Change, forbid_unknown_fields=True, tag_field="op", tag="change_status", kw_only=True):
    status: Literal["PAID", "SHIPPED", "DELIVERED", "CANCELED"]


class AmendIn(_Change, forbid_unknown_fields=True, tag_field="op", tag="amend", kw_only=True):
    external_ref: Annotated[str, text(100)] | UnsetType | None = UNSET
    metadata: Annotated[dict[str, str | None], METADATA] | UnsetType = UNSET


class CancelIn(_Change, forbid_unknown_fields=True, tag_field="op", tag="cancel", kw_only=True):
    reason: CancelReason
    note: Annotated[str, text(500, shortest=0)] = ""


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """`independent`: what fails fails alone. `atomic`: all items or none."""

    mode: Literal["independent", "atomic"]
    items: Annotated[
        list[PlaceIn | StatusIn | AmendIn | CancelIn],
        Meta(min_length=1, extra_json_schema={"extra": {"maxItems": MOST_ITEMS}}),  # more are 413, not 422
    ]


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
    description=f"{getdoc(RunBatch)}\n\n{_HOW}",
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
    whole = idempotency_key(key, request, data)
    items = [_item(place, entry, by, whole) for place, entry in enumerate(data.items)]
    results = await run_batch(items, atomic=data.mode == "atomic")
    replayed = all(isinstance(result, Answer) and result.replayed for result in results)
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return AsIs(_body(request, items, results), headers=headers)


def _item(
    place: int, entry: PlaceIn | StatusIn | AmendIn | CancelIn, by: By, whole: IdempotencyKey | None
) -> BatchItem:
    """Each has a key of its own, which no client can send, as no key has a space; its fingerprint is the batch's."""
    key = None if whole is None else replace(whole, key=f"{whole.key} {place}")
    if isinstance(entry, PlaceIn):
        return place_command(entry, by, key)
    versions = None if entry.version is None else frozenset({entry.version})
    wanted = OrderChange(order_id=entry.order_id, by=by, expected_versions=versions, idempotency_key=key)
    match entry:
        case StatusIn():
            return StatusItem(wanted, Status(entry.status))
        case AmendIn():
            if entry.external_ref is UNSET and entry.metadata is UNSET:
                raise InvalidField(f"items[{place}]", "must have external_ref or metadata.")
            return AmendItem(wanted, amendment(OrderPatch(external_ref=entry.external_ref, metadata=entry.metadata)))
        case CancelIn():
            return CancelItem(wanted=wanted, reason=entry.reason, note=entry.note)


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
