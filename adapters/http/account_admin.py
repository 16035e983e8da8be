"""Accounts over HTTP, as administrators see them: found, read, given a role, and what was done with them."""

from inspect import getdoc
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from adapters.http.account_answers import EMAIL_SCHEMA, AccountOut, sent
from adapters.http.body import JsonBody
from adapters.http.conditions import IfMatch, IfNoneMatch, expected_versions
from adapters.http.content import Checked, takes_json, takes_known_parameters_once
from adapters.http.cursors import Cursors
from adapters.http.events import After, EventListOut, history_page
from adapters.http.pages import Cursor, Limit, next_page
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.actor import Actor, Role
from order_service.ports import AccountFilter
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.list_account_events import ListAccountEvents, ListAccountEventsQuery
from order_service.use_cases.list_accounts import ListAccounts, ListAccountsQuery
from order_service.use_cases.set_role import SetRole, SetRoleCommand


class AccountListOut(msgspec.Struct):
    items: list[AccountOut]
    next_cursor: str | None


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    role: Annotated[Role, Meta(examples=["operator"])]


@get(
    "/accounts",
    operation_id="list_accounts",
    summary="List accounts",
    description=getdoc(ListAccounts),
    middleware=[Checked(takes_known_parameters_once)],
    responses=answers({200: AccountListOut}, *LIMITED, *TOKEN, 403, 422),
)
async def list_all(
    by: NamedDependency[Actor],
    list_accounts: NamedDependency[ListAccounts],
    cursors: NamedDependency[Cursors],
    request: Request[Any, Any, Any],
    cursor: Cursor = None,
    limit: Limit = 20,
    role: Annotated[Role | None, QueryParameter()] = None,
    email: Annotated[
        str | None, QueryParameter(description="The whole address, whatever its case.", schema_extra=EMAIL_SCHEMA)
    ] = None,
) -> Response[AccountListOut]:
    if request.query_params.get("role") == "null":  # the framework would take it for no filter
        raise ClientException("role must not be null.")
    wanted = AccountFilter(role=role, email=email)
    made_for = ("accounts", by.id, wanted)
    start = None if cursor is None else cursors.read(cursor, UUID, made_for=made_for)
    page = await list_accounts(ListAccountsQuery(by=by, wanted=wanted, start=start, limit=limit))
    next_cursor = None if page.next_start is None else cursors.write(page.next_start, made_for=made_for)
    link = next_page("/api/v1/accounts", {**request.query_params, "limit": limit}, cursor=next_cursor)
    items = [AccountOut.of(account) for account in page.accounts]
    return Response(AccountListOut(items=items, next_cursor=next_cursor), headers=link)


@get(
    "/accounts/{account_id:uuid}",
    operation_id="get_account",
    summary="Read an account",
    description=getdoc(GetAccount),
    responses=answers({200: AccountOut, 304: None}, *LIMITED, *TOKEN, 403, 404),
)
async def read(
    account_id: FromPath[UUID],
    by: NamedDependency[Actor],
    get_account: NamedDependency[GetAccount],
    if_none_match: IfNoneMatch = None,
) -> Response[AccountOut] | Response[bytes]:
    return sent(await get_account(account_id, by=by), if_none_match=if_none_match)


@put(
    "/accounts/{account_id:uuid}/role",
    operation_id="set_role",
    summary="Give an account another role",
    description=getdoc(SetRole),
    middleware=[Checked(takes_json)],
    dto=JsonBody.of(NewRole),
    return_dto=None,
    responses=answers({200: AccountOut}, *LIMITED, *TOKEN, *BODY, 403, 404, 409, 412),
)
async def give_role(
    account_id: FromPath[UUID],
    data: JSONBody[NewRole],
    by: NamedDependency[Actor],
    set_role: NamedDependency[SetRole],
    if_match: IfMatch = None,
) -> Response[AccountOut] | Response[bytes]:
    versions = expected_versions(if_match)
    return sent(
        await set_role(SetRoleCommand(by=by, account_id=account_id, role=data.role, expected_versions=versions))
    )


@get(
    "/accounts/{account_id:uuid}/events",
    operation_id="list_account_events",
    summary="Read an account's history",
    description=getdoc(ListAccountEvents),
    middleware=[Checked(takes_known_parameters_once)],
    responses=answers({200: EventListOut}, *LIMITED, *TOKEN, 403, 404),
)
async def history(
    account_id: FromPath[UUID],
    by: NamedDependency[Actor],
    list_account_events: NamedDependency[ListAccountEvents],
    after: After = 0,
    limit: Limit = 100,
) -> Response[EventListOut]:
    query = ListAccountEventsQuery(by=by, account_id=account_id, after_seq=after, limit=limit + 1)
    return history_page(f"/api/v1/accounts/{account_id}/events", await list_account_events(query), limit)


ROUTES = [list_all, read, give_role, history]
