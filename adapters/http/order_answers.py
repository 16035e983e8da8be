"""What the routes of orders have in common: who asks, on which conditions, and how an order is sent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from msgspec import Meta

from adapters.http.as_is import AsIs
from adapters.http.conditions import etag, expected_versions
from adapters.http.problems import LIMITED, TOKEN
from order_service.domain.actor import Actor
from order_service.domain.lines import LineQuantity
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.idempotency import Answer, IdempotencyKey

AnyRequest = Request[Any, Any, Any]
By = NamedDependency[Actor]
CHANGE = (*LIMITED, *TOKEN, 403, 404, 409, 412)
"""The refusals that every change of an order may meet."""


class QuantityOfLine(msgspec.Struct, forbid_unknown_fields=True):
    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000, examples=[1])]


SomeLines = Annotated[list[QuantityOfLine], Meta(min_length=1, max_length=200)]


def quantities(lines: list[QuantityOfLine] | None) -> list[LineQuantity] | None:
    return None if lines is None else [LineQuantity(line.line_id, line.quantity) for line in lines]


def order_change(
    order_id: UUID, by: Actor, if_match: str | None, key: IdempotencyKey | None = None, *, dry_run: bool = False
) -> OrderChange:
    return OrderChange(
        order_id=order_id,
        by=by,
        expected_versions=expected_versions(if_match),
        idempotency_key=key,
        dry_run=dry_run,
    )


def sent(answer: Answer, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Response[bytes]:
    replayed = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return AsIs(answer.order.body, status=status, headers={"ETag": etag(answer.order.version), **replayed, **headers})
