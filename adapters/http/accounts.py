"""Accounts: register, who am I, another password."""

from datetime import datetime
from inspect import getdoc
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody
from litestar.types import Middleware
from msgspec import Meta

from adapters.http import privacy, sessions
from adapters.http.auth import current_actor, current_bearer
from adapters.http.body import JsonBody
from adapters.http.content import takes_json
from adapters.http.problems import BODY, LIMITED, TOKEN, answers
from order_service.domain.account import Account
from order_service.domain.actor import Actor, Bearer
from order_service.use_cases.change_password import ChangePassword, ChangePasswordCommand
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand

_EMAIL = r"^\s*[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s.\x00-\x1f\x7f-\x9f]+(\.[^@\s.\x00-\x1f\x7f-\x9f]+)+\s*$"
"""As the domain has it (see `domain.account`), in the words of JSON Schema."""


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    email: Annotated[
        str,
        Meta(
            min_length=3,
            max_length=254,
            examples=["ann@example.com"],
            extra_json_schema={"extra": {"pattern": _EMAIL}},
        ),
    ]
    password: Annotated[str, Meta(min_length=8, max_length=1024, examples=["correct horse battery"])]


class AccountOut(msgspec.Struct):
    id: UUID
    email: str
    role: str
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls(id=account.id, email=account.email, role=account.role, created_at=account.created_at)


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    current_password: Annotated[str, Meta(max_length=1024, examples=["correct horse battery"])]
    new_password: Annotated[str, Meta(min_length=8, max_length=1024, examples=["purple tin roof"])]


@post(
    "/accounts",
    operation_id="register_account",
    summary="Register an account",
    description=getdoc(RegisterAccount),
    guards=[takes_json],
    dto=JsonBody.of(NewAccount),
    return_dto=None,
    responses=answers({201: AccountOut}, *LIMITED, *BODY, 409),
)
async def register(data: JSONBody[NewAccount], register_account: NamedDependency[RegisterAccount]) -> AccountOut:
    account = await register_account(RegisterAccountCommand(email=data.email, password=data.password))
    return AccountOut.of(account)


@get(
    "/accounts/me",
    operation_id="get_my_account",
    summary="Read one's own account",
    description=getdoc(GetAccount),
    responses=answers({200: AccountOut}, *LIMITED, *TOKEN, 404),
)
async def me(by: NamedDependency[Actor], get_account: NamedDependency[GetAccount]) -> AccountOut:
    return AccountOut.of(await get_account(by))


@post(
    "/accounts/me/password",
    operation_id="change_my_password",
    summary="Change one's own password",
    description=getdoc(ChangePassword),
    guards=[takes_json],
    dto=JsonBody.of(NewPassword),
    return_dto=None,
    status_code=204,
    responses=answers({204: None}, *LIMITED, *TOKEN, *BODY, 404),
)
async def change_my_password(
    data: JSONBody[NewPassword],
    bearer: NamedDependency[Bearer],
    change_password: NamedDependency[ChangePassword],
) -> None:
    await change_password(
        ChangePasswordCommand(by=bearer, current_password=data.current_password, new_password=data.new_password)
    )


def accounts_router(*, authentication: Middleware, rate_limit: Middleware) -> Router:
    """The rate limit comes before the password is looked at, and behind the token where there is one."""
    open_to_all = Router("/", route_handlers=[register, *sessions.OPEN_ROUTES], middleware=[rate_limit])
    for_holders = Router(
        "/",
        route_handlers=[me, change_my_password, *sessions.ROUTES, *privacy.ROUTES],
        middleware=[authentication, rate_limit],
        dependencies={
            "by": Provide(current_actor, sync_to_thread=False),
            "bearer": Provide(current_bearer, sync_to_thread=False),
        },
        security=[{"password": []}],
    )
    return Router("/", route_handlers=[open_to_all, for_holders], tags=["Accounts"])
