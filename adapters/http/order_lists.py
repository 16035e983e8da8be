"""Orders over HTTP, page by page."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from inspect import getdoc
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from litestar.params import ParameterKwarg, QueryParameter
from msgspec import Meta

from adapters.http.as_is import AsIs
from adapters.http.body import NO_CONTROL_CHARACTERS
from adapters.http.content import ALSO_KNOWN
from adapters.http.cursors import Cursors
from adapters.http.order_answers import AnyRequest, By
from adapters.http.pages import Cursor, Limit, next_page
from adapters.http.problems import LIMITED, TOKEN, answers
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.ports import OrderFilter, PageStart
from order_service.use_cases.list_orders import ListOrders, ListOrdersQuery
from order_service.views import OrderView

_AMOUNT = r"^[0-9]{1,19}(\.[0-9]{1,4})?$"
_METADATA = re.compile(r"metadata\[(.{1,40})\]")


class OrderListOut(msgspec.Struct):
    items: list[OrderView]
    next_cursor: str | None


@dataclass
class _WithMetadata(Operation):
    """The framework has no parameters whose name is only half known: `metadata[channel]=web`."""

    def __post_init__(self) -> None:
        any_text = Schema(type=OpenAPIType.STRING, max_length=500, pattern=NO_CONTROL_CHARACTERS)
        a_key = Schema(min_length=1, max_length=40, pattern=NO_CONTROL_CHARACTERS)
        self.parameters = [
            *(self.parameters or []),
            Parameter(
                name="metadata",
                param_in="query",
                style="deepObject",
                explode=True,
                description="metadata[channel]=web: it has this key with this value.",
                schema=Schema(
                    type=OpenAPIType.OBJECT, additional_properties=any_text, property_names=a_key, max_properties=50
                ),
            ),
        ]


def _text(longest: int, description: str) -> ParameterKwarg:
    """The use case refuses it, in the domain's words; here it is only described."""
    allowed = {"minLength": 1, "maxLength": longest, "pattern": NO_CONTROL_CHARACTERS}
    return QueryParameter(description=description, schema_extra=allowed)


def _time(description: str) -> ParameterKwarg:
    return QueryParameter(description=description, schema_extra={"format": "date-time"})


@get(
    "/",
    operation_id="list_orders",
    summary="List orders",
    description=getdoc(ListOrders),
    operation_class=_WithMetadata,
    opt={ALSO_KNOWN: _METADATA},
    responses=answers({200: OrderListOut}, *LIMITED, *TOKEN, 403, 422),
)
async def list_all(
    by: By,
    list_orders: NamedDependency[ListOrders],
    cursors: NamedDependency[Cursors],
    request: AnyRequest,
    cursor: Cursor = None,
    limit: Limit = 20,
    status: Annotated[Status | None, QueryParameter()] = None,
    processing_status: Annotated[ProcessingStatus | None, QueryParameter()] = None,
    payment_status: Annotated[PaymentStatus | None, QueryParameter()] = None,
    fulfillment_status: Annotated[FulfillmentStatus | None, QueryParameter()] = None,
    return_status: Annotated[ReturnStatus | None, QueryParameter()] = None,
    placed_from: Annotated[str | None, _time("Placed then or later.")] = None,
    placed_to: Annotated[str | None, _time("Placed then or earlier.")] = None,
    total_min: Annotated[str | None, QueryParameter(pattern=_AMOUNT, description="In the order's currency.")] = None,
    total_max: Annotated[str | None, QueryParameter(pattern=_AMOUNT, description="In the order's currency.")] = None,
    sku: Annotated[str | None, _text(64, "Of one of its lines.")] = None,
    number: Annotated[str | None, _text(20, "As people write it.")] = None,
    external_ref: Annotated[str | None, _text(100, "The one that it was placed with.")] = None,
    customer_id: Annotated[UUID | None, QueryParameter(description="For staff: one customer's orders.")] = None,
    sort: Annotated[
        Literal["placed_at", "-placed_at"], QueryParameter(description="- is newest first.")
    ] = "-placed_at",
) -> Response[bytes]:
    wanted = OrderFilter(
        customer_id=customer_id,
        status=status,
        processing_status=processing_status,
        payment_status=payment_status,
        fulfillment_status=fulfillment_status,
        return_status=return_status,
        placed_from=_zoned_time("placed_from", placed_from),
        placed_to=_zoned_time("placed_to", placed_to),
        total_min=None if total_min is None else Decimal(total_min),
        total_max=None if total_max is None else Decimal(total_max),
        sku=sku,
        number=number,
        external_ref=external_ref,
        metadata=_metadata_wanted(request),
    )
    made_for = ("orders", by.id, wanted, sort)
    page = await list_orders(
        ListOrdersQuery(
            by=by,
            wanted=wanted,
            start=None if cursor is None else cursors.read(cursor, PageStart, made_for=made_for),
            limit=limit,
            newest_first=sort == "-placed_at",
        )
    )
    next_cursor = None if page.next_start is None else cursors.write(page.next_start, made_for=made_for)
    # The orders are JSON already: what is left is to put them between brackets.
    items = b",".join(order.body for order in page.orders)
    body = b'{"items":[%b],"next_cursor":%b}' % (items, msgspec.json.encode(next_cursor))
    given = {**request.query_params, "sort": sort, "limit": limit}
    return AsIs(body, headers=next_page("/api/v1/orders", given, cursor=next_cursor))


def _metadata_wanted(request: AnyRequest) -> dict[str, str]:
    """Raises for a filter that is null: the framework would take it for none."""
    metadata = {}
    for name, value in request.query_params.items():
        if key := _METADATA.fullmatch(name):
            metadata[key[1]] = value
        elif value == "null" and name not in _TEXTS:
            raise ClientException(f"{name} must not be null.")
    return metadata


def _zoned_time(name: str, text: str | None) -> datetime | None:
    """Decoded here: the framework would take a number for the seconds since 1970."""
    if text is None:
        return None
    try:
        time: datetime = msgspec.convert(text, Annotated[datetime, Meta(tz=True)])
    except msgspec.ValidationError as error:
        raise ClientException(f"{name} must be a time with a time zone, such as 2026-11-24T12:00:00Z.") from error
    try:
        return time.astimezone(UTC)
    except OverflowError:  # in UTC it is before the year 1, or after the year 9999
        return datetime(1, 1, 1, tzinfo=UTC) if time.year == 1 else datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


_TEXTS = frozenset({"cursor", "sku", "number", "external_ref"})

ROUTES = [list_all]
