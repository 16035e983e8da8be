"""Orders, found and page by page."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from adapters.http.cursors import Cursors
from adapters.http.ops.rendering import AnyRequest, By, SomePages, see_other
from order_service.domain.actor import Actor
from order_service.domain.errors import BadCursor, InvalidField, OrderNotFound
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.ports import AccountFilter, OrderFilter, PageStart
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.list_accounts import ListAccounts, ListAccountsQuery
from order_service.use_cases.list_orders import ListOrders, ListOrdersQuery
from order_service.views import OrderView

_AT_ONCE = 25

_CHOICES: dict[str, type[StrEnum]] = {
    "status": Status,
    "processing_status": ProcessingStatus,
    "payment_status": PaymentStatus,
    "fulfillment_status": FulfillmentStatus,
    "return_status": ReturnStatus,
}
_FIELDS = ("q", *_CHOICES, "placed_from", "placed_to", "sku", "customer")

Kind = TypeVar("Kind", bound=StrEnum)


@get("/orders")
async def orders(
    request: AnyRequest,
    pages: SomePages,
    by: By,
    find_order: NamedDependency[FindOrder],
    list_orders: NamedDependency[ListOrders],
    list_accounts: NamedDependency[ListAccounts],
    cursors: NamedDependency[Cursors],
) -> Response[bytes]:
    """What was filled in comes as it is: a filter that cannot be is told beside the form, which keeps it."""
    given = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
    cursor = request.query_params.get("cursor")
    if given["q"]:
        try:
            return see_other(f"/ops/orders/{await find_order(given['q'])}")
        except OrderNotFound:
            pass  # it may be what the shop calls it
    found: list[OrderView] = []
    next_page = refusal = None
    try:
        wanted = await _wanted(given, by, list_accounts)
        made_for = ("ops orders", by.id, wanted)
        start = None if cursor is None else cursors.read(cursor, PageStart, made_for=made_for)
        page = await list_orders(ListOrdersQuery(by=by, wanted=wanted, start=start, limit=_AT_ONCE))
    except (InvalidField, BadCursor) as error:
        refusal = str(error)
    else:
        found = [msgspec.json.decode(order.body, type=OrderView) for order in page.orders]
        if page.next_start is not None:
            place = {"cursor": cursors.write(page.next_start, made_for=made_for)}
            next_page = f"/ops/orders?{_query(given | place)}"
    return pages.page(
        request,
        "orders.html",
        status=200 if refusal is None else 422,
        orders=found,
        given=given,
        choices={name: [str(value) for value in choices] for name, choices in _CHOICES.items()},
        next_page=next_page,
        first_page=None if cursor is None else f"/ops/orders?{_query(given)}",
        refusal=refusal,
    )


async def _wanted(given: dict[str, str], by: Actor, list_accounts: ListAccounts) -> OrderFilter:
    """Raises InvalidField, in the words of the form."""
    return OrderFilter(
        customer_id=await _customer(given["customer"], by, list_accounts),
        status=_choice(Status, given["status"], "Status"),
        processing_status=_choice(ProcessingStatus, given["processing_status"], "Screening"),
        payment_status=_choice(PaymentStatus, given["payment_status"], "Payment"),
        fulfillment_status=_choice(FulfillmentStatus, given["fulfillment_status"], "Fulfillment"),
        return_status=_choice(ReturnStatus, given["return_status"], "Returns"),
        placed_from=_start_of(given["placed_from"], "Placed from"),
        placed_to=_end_of(given["placed_to"]),
        sku=given["sku"] or None,
        external_ref=given["q"] or None,
    )


async def _customer(text: str, by: Actor, list_accounts: ListAccounts) -> UUID | None:
    if "@" in text:
        if not by.looks_after_accounts:
            raise InvalidField("Customer", "must be an id: e-mail addresses are looked up for admins only.")
        page = await list_accounts(ListAccountsQuery(by=by, wanted=AccountFilter(email=text), limit=1))
        if not page.accounts:
            raise InvalidField("Customer", "has no account under this e-mail address.")
        return page.accounts[0].id
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidField("Customer", "must be an e-mail address or an account's id.") from None


def _choice(kind: type[Kind], text: str, label: str) -> Kind | None:
    try:
        return kind(text) if text else None
    except ValueError:
        raise InvalidField(label, "must be one of those that can be chosen.") from None


def _start_of(text: str, label: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC) if text else None
    except ValueError:
        raise InvalidField(label, "must be a day, such as 2026-11-24.") from None


def _end_of(text: str) -> datetime | None:
    """The last moment of that day."""
    start = _start_of(text, "Placed to")
    return None if start is None else start + (timedelta(days=1) - timedelta.resolution)


def _query(given: dict[str, str]) -> str:
    return urlencode({name: value for name, value in given.items() if value})


ROUTES = [orders]
