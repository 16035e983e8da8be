"""Log-ins: tokens, and the sessions they belong to."""

from datetime import datetime
from inspect import getdoc
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import FromPath, URLEncodedBody
from msgspec import Meta

from adapters.http.client_credentials import TwoAuthentications, client_credentials
from adapters.http.content import Checked, takes_form
from adapters.http.problems import LIMITED, TOKEN, answers, problem_response
from order_service.domain.actor import Actor, Bearer, scopes_text
from order_service.use_cases.end_session import EndSession
from order_service.use_cases.list_sessions import ListSessions
from order_service.use_cases.log_in import LogIn, LogInCommand
from order_service.use_cases.log_in_service import LogInService, LogInServiceCommand
from order_service.use_cases.refresh_session import RefreshSession


class TokenRequest(msgspec.Struct):
    """RFC 6749, sections 4.3, 4.4 and 6. What a client sends beside these is not looked at."""

    grant_type: Annotated[str, Meta(min_length=1, examples=["password"])]
    username: str = ""
    password: str = ""
    refresh_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: Annotated[str, Meta(description="What the token is for, if not for all that one may.")] = ""


class RevokeRequest(msgspec.Struct):
    """RFC 7009. What kind of token it is, is seen."""

    token: str = ""
    token_type_hint: str = ""


class SessionOut(msgspec.Struct):
    """`current`: the one that this request belongs to."""

    id: UUID
    began_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    current: bool


class SessionListOut(msgspec.Struct):
    items: list[SessionOut]


class TokenOut(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET


def _on_unreadable_form(request: Request[Any, Any, Any], _: ValidationException) -> Response[bytes]:
    detail = "The form must have grant_type, and what this kind of grant needs, each once."
    return problem_response(request, "malformed-request", detail, {"error": "invalid_request"})


@post(
    "/auth/token",
    operation_id="log_in",
    summary="Log in for an access token",
    description=f"{getdoc(LogIn)}\n\nWith `client_credentials`, for services: {getdoc(LogInService)}",
    middleware=[Checked(takes_form)],
    exception_handlers={ValidationException: _on_unreadable_form},
    status_code=200,
    responses=answers({200: TokenOut}, *LIMITED, *TOKEN, 413, 415),
)
async def token(
    data: URLEncodedBody[TokenRequest],
    origin: NamedDependency[str],
    log_in: NamedDependency[LogIn],
    log_in_service: NamedDependency[LogInService],
    refresh_session: NamedDependency[RefreshSession],
    request: Request[Any, Any, Any],
) -> Response[TokenOut] | Response[bytes]:
    match data.grant_type:
        case "password":
            logged_in = await log_in(
                LogInCommand(email=data.username, password=data.password, origin=origin, scope=data.scope)
            )
        case "refresh_token":
            logged_in = await refresh_session(data.refresh_token, scope=data.scope)
        case "client_credentials":
            try:
                client_id, secret = client_credentials(request, data.client_id, data.client_secret)
            except TwoAuthentications:
                detail = "Say who you are once: in one Authorization header, or in the form."
                return problem_response(request, "malformed-request", detail, {"error": "invalid_request"})
            logged_in = await log_in_service(
                LogInServiceCommand(client_id=client_id, client_secret=secret, scope=data.scope)
            )
        case _:
            detail = "The grant_type must be password, refresh_token or client_credentials."
            return problem_response(request, "unsupported-grant-type", detail, {"error": "unsupported_grant_type"})
    answer = TokenOut(
        access_token=logged_in.access_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=int(logged_in.lifetime.total_seconds()),
        refresh_token=logged_in.refresh_token or msgspec.UNSET,
        scope=scopes_text(logged_in.scopes),
    )
    return Response(answer, headers={"Cache-Control": "no-store"})


@post(
    "/auth/revoke",
    operation_id="log_out",
    summary="Log out, with a refresh token",
    description="Ends the session of the refresh token; 200 whatever it is (RFC 7009).",
    middleware=[Checked(takes_form)],
    status_code=200,
    responses=answers({200: None}, *LIMITED, 413, 415),
)
async def revoke(data: URLEncodedBody[RevokeRequest], end_session: NamedDependency[EndSession]) -> Response[bytes]:
    await end_session.by_token(data.token)
    return Response(b"", headers={"Cache-Control": "no-store"})


@get(
    "/accounts/me/sessions",
    operation_id="list_my_sessions",
    summary="See where one is logged in",
    description=getdoc(ListSessions),
    responses=answers({200: SessionListOut}, *LIMITED, *TOKEN, 403),
)
async def list_my_sessions(
    bearer: NamedDependency[Bearer], list_sessions: NamedDependency[ListSessions]
) -> SessionListOut:
    return SessionListOut(
        items=[
            SessionOut(
                id=session.id,
                began_at=session.began_at,
                refreshed_at=session.refreshed_at,
                expires_at=session.expires_at,
                current=session.id == bearer.session_id,
            )
            for session in await list_sessions(by=bearer.actor)
        ]
    )


@delete(
    "/accounts/me/sessions/{session_id:uuid}",
    operation_id="end_my_session",
    summary="Log out somewhere",
    description=getdoc(EndSession),
    responses=answers({204: None}, *LIMITED, *TOKEN, 403, 404),
)
async def end_my_session(
    session_id: FromPath[UUID], by: NamedDependency[Actor], end_session: NamedDependency[EndSession]
) -> None:
    await end_session(session_id, by=by)


OPEN_ROUTES = [token, revoke]
ROUTES = [list_my_sessions, end_my_session]
