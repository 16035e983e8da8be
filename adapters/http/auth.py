"""Who is asking: from the Bearer token to the actor."""

from typing import Any, Self

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from order_service.domain.actor import Actor
from order_service.domain.errors import NotAuthenticated
from order_service.ports import Clock, Tokens


class Authentication(ASGIMiddleware):
    """Lets nobody through without a token that holds; what is behind it finds the actor in `scope["auth"]`."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # the framework copies routers, with all they hold; but not the tokens' keys

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = header.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("Send an access token: Authorization: Bearer <token>.")
        scope["auth"] = self._tokens.actor(token.strip(), at=self._clock.now())
        await next_app(scope, receive, send)


def current_actor(request: Request[Any, Any, Any]) -> Actor:
    actor: Actor = request.scope["auth"]
    return actor
