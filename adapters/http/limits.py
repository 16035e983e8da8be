"""How often somebody may ask: per account where there is one, else per client address."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.problems import RATE_LIMIT, extended, seconds_up
from order_service.domain.actor import Actor
from order_service.domain.errors import RateLimited
from order_service.ports import Quota, RateLimiter


class RateLimit(ASGIMiddleware):
    """Behind `Authentication`, if that is there at all. Every answer tells what is left (RateLimit header fields)."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, limiter: RateLimiter, quota: Quota) -> None:
        self._limiter = limiter
        self._quota = quota
        self._policy = f'"{quota.name}";q={quota.limit};w={quota.window.total_seconds():.0f}'

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        allowance = await self._limiter.take(self._quota, _subject(scope))
        state = f'"{self._quota.name}";r={allowance.remaining};t={seconds_up(allowance.reset)}'
        extended(scope)[RATE_LIMIT] = headers = {"RateLimit-Policy": self._policy, "RateLimit": state}
        if not allowance.allowed:
            raise RateLimited(seconds_up(allowance.retry_after))

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message).update(headers)
            await send(message)

        await next_app(scope, receive, send_with_limits)


def _subject(scope: Scope) -> str:
    actor = scope.get("auth")
    if isinstance(actor, Actor):
        return f"account:{actor.id}"
    client = scope["client"]
    return f"address:{client[0] if client else ''}"
