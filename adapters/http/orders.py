"""Orders over HTTP: placed, read, changed. Each route decodes, asks one use case, and sends what it answers."""

from inspect import getdoc
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from adapters.http.as_is import AsIs
from adapters.http.body import (
    ABSENT,
    METADATA,
    Amount,
    JsonBody,
    OptionalAmount,
    amount_text,
    optional_amount_text,
    text,
)
from adapters.http.conditions import (
    IdempotencyKeyHeader,
    IfMatch,
    IfNoneMatch,
    already_has,
    etag,
    idempotency_key,
)
from adapters.http.order_answers import CHANGE, AnyRequest, By, order_change, sent
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.currencies import EXPONENTS
from order_service.domain.editing import Amendment, Keep
from order_service.domain.errors import InvalidField
from order_service.domain.lifecycle import Status
from order_service.use_cases.amend_order import AmendOrder
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.edit_lines import EditedLine, EditLines
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.idempotency import IdempotencyKey
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.views import OrderView

OrderReference = Annotated[str, Meta(description="The order's id, or its number.", max_length=36)]
DryRun = Annotated[bool, QueryParameter(description="Price and check it, store nothing; then 200.")]


class NewLine(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, text(255, example="Mug")]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000, examples=[3])]
    unit_price: Amount
    sku: Annotated[str, text(64, example="MUG-1")] | None = None


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    currency: Annotated[
        str,
        Meta(
            pattern="^[A-Z]{3}$",
            examples=["EUR"],
            # No enumeration: a client that was generated from it would not know the currencies of tomorrow.
            extra_json_schema={"extra": {"pattern": f"^({'|'.join(sorted(EXPONENTS))})$"}},
        ),
    ]
    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=200)]
    total_price: OptionalAmount = msgspec.field(default_factory=lambda: ABSENT)
    external_ref: Annotated[str, text(100, example="web-8841")] | None = None
    metadata: Annotated[dict[str, str], METADATA] | None = None
    customer_id: Annotated[UUID, Meta(description="For staff: whose order it is.")] | None = None


class OrderPatch(msgspec.Struct, forbid_unknown_fields=True):
    """Either a status, or new notes. In `metadata` only what is named changes, and null takes a key away."""

    status: Literal["PAID", "SHIPPED", "DELIVERED", "CANCELED"] | UnsetType = UNSET
    external_ref: Annotated[str, text(100)] | UnsetType | None = UNSET
    metadata: Annotated[dict[str, str | None], METADATA] | UnsetType = UNSET


class EditedLineIn(NewLine, forbid_unknown_fields=True):
    line_id: Annotated[UUID, Meta(description="The line that this one replaces; absent for a new one.")] | None = None


class EditedLines(msgspec.Struct, forbid_unknown_fields=True):
    lines: Annotated[list[EditedLineIn], Meta(min_length=1, max_length=200)]
    total_price: OptionalAmount = msgspec.field(default_factory=lambda: ABSENT)


def place_command(
    data: NewOrder, by: By, key: IdempotencyKey | None = None, *, dry_run: bool = False
) -> PlaceOrderCommand:
    return PlaceOrderCommand(
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
        idempotency_key=key,
        dry_run=dry_run,
    )


def amendment(data: OrderPatch) -> Amendment:
    """Raises InvalidField when there is nothing to amend."""
    if data.external_ref is UNSET and data.metadata is UNSET:
        raise InvalidField("body", "must have a status, or else external_ref or metadata.")
    return Amendment(
        external_ref=Keep.KEEP if data.external_ref is UNSET else data.external_ref,
        metadata={} if data.metadata is UNSET else data.metadata,
    )


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
    dry_run: DryRun = False,
) -> Response[bytes]:
    command = place_command(data, by, idempotency_key(key, request, data), dry_run=dry_run)
    answer = await place_order(command)
    return sent(answer) if dry_run else sent(answer, 201, {"Location": f"/api/v1/orders/{answer.order.order_id}"})


@get(
    "/{order_id:str}",
    operation_id="get_order",
    summary="Read an order, by its id or its number",
    description=getdoc(GetOrder),
    responses=answers({200: OrderView, 304: None}, *LIMITED, *TOKEN, 403, 404),
)
async def read(
    order_id: FromPath[OrderReference],
    by: By,
    find_order: NamedDependency[FindOrder],
    get_order: NamedDependency[GetOrder],
    if_none_match: IfNoneMatch = None,
) -> Response[bytes]:
    order = await get_order(await find_order(order_id), by=by)
    if already_has(if_none_match, order.version):
        return AsIs(b"", status=304, headers={"ETag": etag(order.version)})
    return AsIs(order.body, headers={"ETag": etag(order.version)})


@patch(
    "/{order_id:str}",
    operation_id="change_order",
    summary="Change an order's status the short way, or amend its notes",
    description=f"{getdoc(ChangeStatus)}\n\n{getdoc(AmendOrder)}",
    dto=JsonBody.of(OrderPatch),
    return_dto=None,
    responses=answers({200: OrderView}, *CHANGE, *BODY),
)
async def change(
    order_id: FromPath[OrderReference],
    data: JSONBody[OrderPatch],
    by: By,
    find_order: NamedDependency[FindOrder],
    change_status: NamedDependency[ChangeStatus],
    amend_order: NamedDependency[AmendOrder],
    if_match: IfMatch = None,
) -> Response[bytes]:
    wanted = order_change(await find_order(order_id), by, if_match)
    if data.status is UNSET:
        return sent(await amend_order(wanted, amendment(data)))
    if data.external_ref is not UNSET or data.metadata is not UNSET:
        raise InvalidField("status", "must be sent alone, without external_ref and metadata.")
    return sent(await change_status(wanted, Status(data.status)))


@put(
    "/{order_id:uuid}/lines",
    operation_id="edit_order_lines",
    summary="Put other lines in the place of an order's lines",
    description=getdoc(EditLines),
    dto=JsonBody.of(EditedLines),
    return_dto=None,
    responses=answers({200: OrderView}, *CHANGE, *BODY),
)
async def edit_lines_of_order(
    order_id: FromPath[UUID],
    data: JSONBody[EditedLines],
    by: By,
    edit_lines: NamedDependency[EditLines],
    if_match: IfMatch = None,
    dry_run: DryRun = False,
) -> Response[bytes]:
    lines = [
        EditedLine(
            name=line.name,
            quantity=line.quantity,
            unit_price=amount_text(line.unit_price),
            sku=line.sku,
            line_id=line.line_id,
        )
        for line in data.lines
    ]
    wanted = order_change(order_id, by, if_match, dry_run=dry_run)
    return sent(await edit_lines(wanted, lines=lines, total_price=optional_amount_text(data.total_price)))


ROUTES = [place, read, change, edit_lines_of_order]
