"""Accounts: register, log in, who am I."""

from datetime import datetime
from inspect import getdoc
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ValidationException
from litestar.params import JSONBody, URLEncodedBody
from litestar.types import Middleware
from msgspec import Meta

from adapters.http.auth import current_actor
from adapters.http.body import JsonBody
from adapters.http.content import takes_form, takes_json
from adapters.http.problems import BODY, LIMITED, TOKEN, answers, problem_response
from order_service.domain.account import Account
from order_service.domain.actor import Actor
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.log_in import LogIn, LogInCommand
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


class TokenRequest(msgspec.Struct):
    """RFC 6749, section 4.3. What a client sends beside these (scope, client_id) is not looked at."""

    grant_type: Annotated[str, Meta(min_length=1, examples=["password"])]
    username: str = ""
    password: str = ""


class TokenOut(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int
    scope: str


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


def _on_unreadable_form(request: Request[Any, Any, Any], _: ValidationException) -> Response[bytes]:
    detail = "The form must have grant_type, username and password, each once."
    return problem_response(request, "malformed-request", detail, {"error": "invalid_request"})


@post(
    "/auth/token",
    operation_id="log_in",
    summary="Log in for an access token",
    description=getdoc(LogIn),
    guards=[takes_form],
    exception_handlers={ValidationException: _on_unreadable_form},
    status_code=200,
    responses=answers({200: TokenOut}, *LIMITED, 413, 415),
)
async def token(
    data: URLEncodedBody[TokenRequest], log_in: NamedDependency[LogIn], request: Request[Any, Any, Any]
) -> Response[TokenOut] | Response[bytes]:
    if data.grant_type != "password":
        detail = "Only grant_type=password is supported."
        return problem_response(request, "unsupported-grant-type", detail, {"error": "unsupported_grant_type"})
    logged_in = await log_in(LogInCommand(email=data.username, password=data.password))
    answer = TokenOut(
        access_token=logged_in.access_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=int(logged_in.lifetime.total_seconds()),
        scope=logged_in.role,
    )
    return Response(answer, headers={"Cache-Control": "no-store"})


def accounts_router(*, authentication: Middleware, rate_limit: Middleware) -> Router:
    """The rate limit comes before the password is looked at, and behind the token where there is one."""

    @get(
        "/accounts/me",
        operation_id="get_my_account",
        summary="Read one's own account",
        description=getdoc(GetAccount),
        security=[{"password": []}],
        responses=answers({200: AccountOut}, *LIMITED, *TOKEN, 404),
        middleware=[authentication, rate_limit],
        dependencies={"by": Provide(current_actor, sync_to_thread=False)},
    )
    async def me(by: NamedDependency[Actor], get_account: NamedDependency[GetAccount]) -> AccountOut:
        return AccountOut.of(await get_account(by))

    open_to_all = Router("/", route_handlers=[register, token], middleware=[rate_limit])
    return Router("/", route_handlers=[open_to_all, me], tags=["Accounts"])
