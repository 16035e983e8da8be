"""In and out, with the accounts that there are."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter, SkipValidation, URLEncodedBody
from litestar.types import Scope
from msgspec import Meta

from adapters.http.content import Checked, takes_form
from adapters.http.limits import Networks, RateLimit
from adapters.http.ops.entrance import HOME, LOG_IN, LONGEST_WAY_BACK, cookie, is_encrypted, session_of, way_back
from adapters.http.ops.rendering import AnyRequest, SomePages, see_other
from adapters.http.problems import PROBLEMS
from order_service.domain.actor import Bearer
from order_service.domain.errors import InvalidCredentials, RateLimited
from order_service.ports import Clock, Tokens
from order_service.use_cases.end_session import EndSession
from order_service.use_cases.log_in import LogIn, LogInCommand

_NOT_FOR_CUSTOMERS = "This account may not see these pages: they are for operators and admins."


class LogInForm(msgspec.Struct):
    email: Annotated[str, Meta(max_length=1000)] = ""
    password: Annotated[str, Meta(max_length=10_000)] = ""
    next: Annotated[str, Meta(max_length=LONGEST_WAY_BACK)] = HOME


class TriesLimited(RateLimit):
    """Trying costs, looking at the form does not."""

    async def look(self, scope: Scope) -> None:
        if scope.get("method") == "POST":
            await super().look(scope)


@get("/login")
async def ask(
    request: AnyRequest, pages: SomePages, next: Annotated[str, QueryParameter()] = HOME
) -> Response[bytes]:
    return pages.page(request, "log_in.html", next=way_back(next), email="", refusal=None)


@post("/login", middleware=[Checked(takes_form)])
async def enter(
    data: URLEncodedBody[LogInForm],
    request: AnyRequest,
    pages: SomePages,
    origin: NamedDependency[str],
    log_in: NamedDependency[LogIn],
    end_session: NamedDependency[EndSession],
    tokens: NamedDependency[SkipValidation[Tokens]],
    clock: NamedDependency[SkipValidation[Clock]],
    proxies: NamedDependency[SkipValidation[Networks]],
) -> Response[bytes]:
    """Begins a session like any other; of its tokens only the one for access is kept, in the cookie."""

    def again(code: str, refusal: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response[bytes]:
        shown = {"next": way_back(data.next), "email": data.email, "refusal": refusal}
        return pages.page(request, "log_in.html", status=PROBLEMS[code].status, headers=headers, **shown)

    try:
        logged_in = await log_in(LogInCommand(email=data.email, password=data.password, origin=origin))
    except InvalidCredentials as error:
        return again(error.code, str(error))
    except RateLimited as error:
        return again(error.code, str(error), {"Retry-After": str(error.retry_after)})
    if not tokens.bearer(logged_in.access_token, at=clock.now()).actor.is_staff:
        await end_session.by_token(logged_in.refresh_token)
        return again("not-allowed", _NOT_FOR_CUSTOMERS)
    kept = cookie(
        logged_in.access_token,
        seconds=int(logged_in.lifetime.total_seconds()),
        secure=is_encrypted(request.scope, proxies),
    )
    return see_other(way_back(data.next), {"Set-Cookie": kept})


@post("/logout", middleware=[Checked(takes_form)])
async def leave(
    request: AnyRequest,
    bearer: NamedDependency[Bearer],
    end_session: NamedDependency[EndSession],
    proxies: NamedDependency[SkipValidation[Networks]],
) -> Response[bytes]:
    await end_session(session_of(bearer), by=bearer.actor)
    return see_other(LOG_IN, {"Set-Cookie": cookie("", seconds=0, secure=is_encrypted(request.scope, proxies))})


@get("/{path:path}", sync_to_thread=False)
def nothing_here() -> Response[bytes]:
    """Every other address below: that there is nothing is told in a page, and to nobody who has not logged in."""
    raise NotFoundException


OPEN_ROUTES = [ask, enter]
ROUTES = [leave, nothing_here]
