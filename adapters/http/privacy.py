"""What is kept of somebody: given to them, or erased."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from inspect import getdoc
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream

from adapters.http.account_answers import AccountOut, CurrentPassword
from adapters.http.body import JsonBody
from adapters.http.content import Checked, takes_json
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.actor import Actor, Bearer
from order_service.domain.errors import DependencyUnavailable
from order_service.use_cases.change_account import AccountChange
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.export_account import Export, ExportAccount, ExportedEvent, ExportedOrder
from order_service.views import ActorView, EventView, OrderView

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024

_HOW = """The document is sent while it is read. If that breaks off, it is left without its end, which no JSON parser
takes for a whole."""


class SessionKept(msgspec.Struct):
    id: UUID
    began_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class EventKept(msgspec.Struct):
    """An entry of an order's history. `before`: the order from before, where the event wrote something over."""

    id: UUID
    seq: int
    type: str
    occurred_at: datetime
    actor: ActorView
    change: dict[str, object]
    before: OrderView | None


class OrderKept(msgspec.Struct):
    order: OrderView
    history: list[EventKept]


class ExportOut(msgspec.Struct):
    """All that was answered before `made_at` is in it; what happened later may be."""

    made_at: datetime
    account: AccountOut
    account_history: list[EventView]
    sessions: list[SessionKept]
    orders: list[OrderKept]


@get(
    "/accounts/me/export",
    operation_id="export_my_account",
    summary="Take all that is kept of oneself",
    description=f"{getdoc(ExportAccount)}\n\n{_HOW}",
    responses=answers({200: ExportOut}, *LIMITED, *TOKEN, 403, 404),
)
async def export(by: NamedDependency[Actor], export_account: NamedDependency[ExportAccount]) -> Stream:
    found = await export_account(by)
    pieces = written(found)
    first = await anext(pieces)  # so far a refusal still finds its status
    return Stream(
        _all(first, pieces),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="account-{found.account.id}.json"',
            "Cache-Control": "no-store",
        },
    )


async def written(export: Export) -> AsyncGenerator[bytes, None]:
    """An `ExportOut`, in pieces: never more of it than an order and a page of its history."""
    kept = bytearray(msgspec.json.encode(_beginning(export))[:-1] + b',"orders":[')
    between = b"\n"
    async for order in export.orders:
        kept += between
        between = b",\n"
        async for piece in _order(order):
            kept += piece
            if len(kept) > _CHUNK_BYTES:
                yield bytes(kept)
                kept.clear()
    yield bytes(kept) + b"]}\n"


async def _all(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in rest:
            yield piece
    except DependencyUnavailable as error:  # too late for a status: the document has no end
        _log.warning("an export broke off: %s", error)
    finally:
        await rest.aclose()


def _beginning(export: Export) -> dict[str, object]:
    return {
        "made_at": export.made_at,
        "account": AccountOut.of(export.account),
        "account_history": export.history,
        "sessions": [
            SessionKept(
                id=session.id,
                began_at=session.began_at,
                refreshed_at=session.refreshed_at,
                expires_at=session.expires_at,
                ended_at=session.ended_at,
            )
            for session in export.sessions
        ],
    }


async def _order(exported: ExportedOrder) -> AsyncIterator[bytes]:
    yield b'{"order":' + exported.order.body + b',"history":['
    between = b""
    async for entry in exported.history:
        yield between + _event(entry)
        between = b","
    yield b"]}"


def _event(entry: ExportedEvent) -> bytes:
    before = b"null" if entry.before is None else entry.before.body
    return msgspec.json.encode(entry.event)[:-1] + b',"before":' + before + b"}"


class Erasure(msgspec.Struct, forbid_unknown_fields=True):
    current_password: CurrentPassword


@post(
    "/accounts/me/erasure",
    operation_id="erase_my_account",
    summary="Erase one's own account",
    description=getdoc(EraseAccount),
    middleware=[Checked(takes_json)],
    dto=JsonBody.of(Erasure),
    return_dto=None,
    status_code=204,
    responses=answers({204: None}, *LIMITED, *TOKEN, *BODY, 403, 404, 409),
)
async def erase(
    data: JSONBody[Erasure],
    bearer: NamedDependency[Bearer],
    origin: NamedDependency[str],
    erase_account: NamedDependency[EraseAccount],
) -> None:
    await erase_account(AccountChange(by=bearer, current_password=data.current_password, origin=origin))


ROUTES = [export, erase]
