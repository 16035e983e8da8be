"""What can be done with an order here: each is asked for once more before it is done."""

import hashlib
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from msgspec import Meta

from adapters.http.content import Checked, takes_form
from adapters.http.ops.order import may_be_canceled, may_be_screened, read
from adapters.http.ops.rendering import AnyRequest, By, SomePages, see_other
from order_service.domain.lifecycle import CancelReason
from order_service.use_cases.cancel_by_hand import CancelByHand
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.idempotency import IdempotencyKey
from order_service.use_cases.screen_again import ScreenAgain

_REASONS = (
    CancelReason.CUSTOMER_REQUEST,
    CancelReason.OUT_OF_STOCK,
    CancelReason.FRAUD,
    CancelReason.OTHER,
)
"""Those that a person has; the service has the others."""


class CancelForm(msgspec.Struct):
    """`version` and `key` are the page's own: what was looked at is canceled, and by a double click once."""

    reason: CancelReason
    version: Annotated[str, Meta(pattern="^[0-9]{1,9}$")]
    key: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    note: Annotated[str, Meta(max_length=500)] = ""


@get("/orders/{order_id:uuid}/cancel")
async def ask_to_cancel(
    order_id: FromPath[UUID], request: AnyRequest, pages: SomePages, by: By, get_order: NamedDependency[GetOrder]
) -> Response[bytes]:
    order = read((await get_order(order_id, by=by)).body)
    return pages.page(
        request,
        "order_cancel.html",
        order=order,
        may=may_be_canceled(order, by),
        reasons=[str(reason) for reason in _REASONS],
        key=uuid4().hex,
    )


@post("/orders/{order_id:uuid}/cancel", middleware=[Checked(takes_form)])
async def cancel(
    order_id: FromPath[UUID],
    data: URLEncodedBody[CancelForm],
    by: By,
    cancel_by_hand: NamedDependency[CancelByHand],
) -> Response[bytes]:
    asked = hashlib.sha256(f"ops cancel {order_id}\n".encode() + msgspec.json.encode(data)).digest()
    wanted = OrderChange(
        order_id=order_id,
        by=by,
        expected_versions=frozenset({int(data.version)}),
        idempotency_key=IdempotencyKey(key=f"ops {data.key}", fingerprint=asked),
    )
    await cancel_by_hand(wanted, reason=data.reason, note=" ".join(data.note.split()))
    return see_other(f"/ops/orders/{order_id}?done=canceled")


@get("/orders/{order_id:uuid}/screen")
async def ask_to_screen(
    order_id: FromPath[UUID], request: AnyRequest, pages: SomePages, by: By, get_order: NamedDependency[GetOrder]
) -> Response[bytes]:
    order = read((await get_order(order_id, by=by)).body)
    return pages.page(request, "order_screen.html", order=order, may=may_be_screened(order, by))


@post("/orders/{order_id:uuid}/screen", middleware=[Checked(takes_form)])
async def screen(order_id: FromPath[UUID], by: By, screen_again: NamedDependency[ScreenAgain]) -> Response[bytes]:
    await screen_again(order_id, by=by)
    return see_other(f"/ops/orders/{order_id}?done=queued")


ROUTES = [ask_to_cancel, cancel, ask_to_screen, screen]
