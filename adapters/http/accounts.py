"""One's own account: register, read, change, and what was done with it."""

from inspect import getdoc
from typing import Annotated

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import Middleware

from adapters.http import account_admin, privacy, sessions
from adapters.http.account_answers import AccountOut, CurrentPassword, Email, new_password, sent
from adapters.http.auth import current_actor, current_bearer
from adapters.http.body import JsonBody
from adapters.http.conditions import IfMatch, IfNoneMatch, expected_versions
from adapters.http.content import Checked, takes_json, takes_known_parameters_once
from adapters.http.dependencies import of_request
from adapters.http.events import After, EventListOut, history_page
from adapters.http.limits import current_origin
from adapters.http.pages import Limit
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from adapters.http.whole_router import WholeRouter
from order_service.domain.actor import Actor, Bearer
from order_service.use_cases.change_email import ChangeEmail, ChangeEmailCommand
from order_service.use_cases.change_password import ChangePassword, ChangePasswordCommand
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.list_account_events import ListAccountEvents, ListAccountEventsQuery
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    password: Annotated[str, new_password("correct horse battery")]


class AccountPatch(msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    current_password: CurrentPassword


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    current_password: CurrentPassword
    new_password: Annotated[str, new_password("purple tin roof")]


@post(
    "/accounts",
    operation_id="register_account",
    summary="Register an account",
    description=getdoc(RegisterAccount),
    middleware=[Checked(takes_json)],
    dto=JsonBody.of(NewAccount),
    return_dto=None,
    responses=answers({201: AccountOut}, *LIMITED, *BODY, 409),
)
async def register(
    data: JSONBody[NewAccount], register_account: NamedDependency[RegisterAccount]
) -> Response[AccountOut] | Response[bytes]:
    return sent(await register_account(RegisterAccountCommand(email=data.email, password=data.password)), 201)


@get(
    "/accounts/me",
    operation_id="get_my_account",
    summary="Read one's own account",
    description=getdoc(GetAccount),
    responses=answers({200: AccountOut, 304: None}, *LIMITED, *TOKEN, 403, 404),
)
async def me(
    by: NamedDependency[Actor], get_account: NamedDependency[GetAccount], if_none_match: IfNoneMatch = None
) -> Response[AccountOut] | Response[bytes]:
    return sent(await get_account(by.own_account, by=by), if_none_match=if_none_match)


@patch(
    "/accounts/me",
    operation_id="change_my_account",
    summary="Change one's own e-mail address",
    description=getdoc(ChangeEmail),
    middleware=[Checked(takes_json)],
    dto=JsonBody.of(AccountPatch),
    return_dto=None,
    responses=answers({200: AccountOut}, *LIMITED, *TOKEN, *BODY, 403, 404, 409, 412),
)
async def change_me(
    data: JSONBody[AccountPatch],
    bearer: NamedDependency[Bearer],
    origin: NamedDependency[str],
    change_email: NamedDependency[ChangeEmail],
    if_match: IfMatch = None,
) -> Response[AccountOut] | Response[bytes]:
    return sent(
        await change_email(
            ChangeEmailCommand(
                by=bearer,
                email=data.email,
                current_password=data.current_password,
                origin=origin,
                expected_versions=expected_versions(if_match),
            )
        )
    )


@post(
    "/accounts/me/password",
    operation_id="change_my_password",
    summary="Change one's own password",
    description=getdoc(ChangePassword),
    middleware=[Checked(takes_json)],
    dto=JsonBody.of(NewPassword),
    return_dto=None,
    status_code=204,
    responses=answers({204: None}, *LIMITED, *TOKEN, *BODY, 403, 404, 409),
)
async def change_my_password(
    data: JSONBody[NewPassword],
    bearer: NamedDependency[Bearer],
    origin: NamedDependency[str],
    change_password: NamedDependency[ChangePassword],
) -> None:
    await change_password(
        ChangePasswordCommand(
            by=bearer, current_password=data.current_password, new_password=data.new_password, origin=origin
        )
    )


@get(
    "/accounts/me/events",
    operation_id="list_my_account_events",
    summary="Read what was done with one's own account",
    description=getdoc(ListAccountEvents),
    middleware=[Checked(takes_known_parameters_once)],
    responses=answers({200: EventListOut}, *LIMITED, *TOKEN, 403, 404),
)
async def my_history(
    by: NamedDependency[Actor],
    list_account_events: NamedDependency[ListAccountEvents],
    after: After = 0,
    limit: Limit = 100,
) -> Response[EventListOut]:
    query = ListAccountEventsQuery(by=by, account_id=by.own_account, after_seq=after, limit=limit + 1)
    return history_page("/api/v1/accounts/me/events", await list_account_events(query), limit)


def accounts_router(*, authentication: Middleware, rate_limit: Middleware) -> Router:
    """The rate limit comes before the password is looked at, and behind the token where there is one."""
    open_to_all = Router("/", route_handlers=[register, *sessions.OPEN_ROUTES], middleware=[rate_limit])
    for_holders = Router(
        "/",
        route_handlers=[
            me,
            change_me,
            change_my_password,
            my_history,
            *privacy.ROUTES,
            *account_admin.ROUTES,
            *sessions.ROUTES,
        ],
        middleware=[authentication, rate_limit],
        dependencies={
            "by": of_request(current_actor),
            "bearer": of_request(current_bearer),
        },
        security=[{"password": []}],
    )
    return WholeRouter(
        "/",
        route_handlers=[open_to_all, for_holders],
        dependencies={"origin": of_request(current_origin)},
        tags=["Accounts"],
    )
