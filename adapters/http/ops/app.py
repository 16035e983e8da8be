"""The operations pages: an application of its own beside the API, as nothing that it answers is for programs."""

from collections.abc import Mapping
from datetime import timedelta

from litestar import Litestar, Request, Router
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.http.auth import Authentication, current_actor, current_bearer
from adapters.http.checks import Check
from adapters.http.cursors import Cursors
from adapters.http.dependencies import always, hand_in, of_request
from adapters.http.limits import Networks, RateLimit, current_origin
from adapters.http.ops import assets, deeds, jobs, letters, log_in, order, order_actions, orders, overview
from adapters.http.ops.entrance import HOME, FormTokens, SentFromHere, Staff, token_of_cookie
from adapters.http.ops.overview import Watch
from adapters.http.ops.refusals import Refusals
from adapters.http.ops.rendering import Pages
from order_service.domain.errors import TooBusy
from order_service.ports import Clock, EndedSessions, Quota, RateLimiter, Tokens
from order_service.use_cases.see_machinery import SeeMachinery

_LARGEST_BODY_BYTES = 64 * 1024

_PAGES = Quota(name="ops", limit=600, window=timedelta(minutes=1))
"""Many pages that look for news all the time, and no more."""


def create_ops(
    use_cases: Mapping[str, object],
    *,
    see_machinery: SeeMachinery,
    tokens: Tokens,
    ended_sessions: EndedSessions,
    clock: Clock,
    cursors: Cursors,
    limiter: RateLimiter,
    account_quota: Quota,
    proxies: Networks,
    checks: Mapping[str, Check],
    form_tokens: FormTokens,
    version: str,
) -> "Ops":
    """`use_cases`: by the names that routes ask for."""
    pages = Pages(form_tokens, version=version)
    refusals = Refusals(pages)
    from_here = SentFromHere(proxies)
    open_router = Router(
        "/",
        route_handlers=log_in.OPEN_ROUTES,
        middleware=[from_here, log_in.TriesLimited(limiter, account_quota, proxies)],
        dependencies={"origin": of_request(current_origin)},
    )
    staff_router = Router(
        "/",
        route_handlers=[
            *overview.ROUTES,
            *orders.ROUTES,
            *order.ROUTES,
            *order_actions.ROUTES,
            *jobs.ROUTES,
            *letters.ROUTES,
            *deeds.ROUTES,
            *log_in.ROUTES,
        ],
        middleware=[
            from_here,
            Authentication(tokens, ended_sessions, clock, token_of=token_of_cookie),
            Staff(),
            RateLimit(limiter, _PAGES, proxies),
        ],
        before_request=form_tokens.check,
        dependencies={"by": of_request(current_actor), "bearer": of_request(current_bearer)},
    )
    app = Litestar(
        path=HOME,
        route_handlers=[open_router, staff_router, assets.asset],
        dependencies={
            **{name: always(use_case) for name, use_case in use_cases.items()},
            "pages": always(pages),
            "watch": always(Watch(see_machinery, checks)),
            "tokens": always(tokens),
            "clock": always(clock),
            "cursors": always(cursors),
            "proxies": always(proxies),
        },
        exception_handlers=refusals.handlers,
        request_max_body_size=_LARGEST_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    return Ops(hand_in(app), refusals)


class Ops:
    def __init__(self, app: Litestar, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def too_busy(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Instead of the above, where there is no place for one more request."""
        page = self._refusals.on_refusal(Request(scope), TooBusy())
        await page.to_asgi_response(None, Request(scope))(scope, receive, send)


class Beside:
    """Hands each request to the pages or to the API, by its address."""

    def __init__(self, api: ASGIApp, ops: ASGIApp) -> None:
        self._api = api
        self._ops = ops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._ops if is_of_ops(scope) else self._api)(scope, receive, send)


def is_of_ops(scope: Scope) -> bool:
    path = scope["path"]
    return path.startswith(HOME) and path[len(HOME) : len(HOME) + 1] in {"", "/"}
