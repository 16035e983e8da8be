"""Who is asking: from the Bearer token to the actor."""

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.types import Scope

from adapters.http.before import Before
from order_service.domain.actor import Actor, Bearer
from order_service.domain.errors import NotAuthenticated
from order_service.ports import Clock, EndedSessions, Tokens


def token_of_header(scope: Scope) -> str:
    """What stands behind `Bearer`. Raises NotAuthenticated."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) > 1:  # who stands before us may have looked at another one
        raise NotAuthenticated("Send one Authorization header.")
    scheme, _, token = b"".join(given).decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("Send an access token: Authorization: Bearer <token>.")
    return token.strip(" ")


class Authentication(Before):
    """Lets nobody through without a token that holds; what is behind it finds the bearer in `scope["auth"]`.

    `token_of`: where the token stands in a request; raises NotAuthenticated.
    """

    def __init__(
        self,
        tokens: Tokens,
        ended: EndedSessions,
        clock: Clock,
        token_of: Callable[[Scope], str] = token_of_header,
    ) -> None:
        self._tokens = tokens
        self._ended = ended
        self._clock = clock
        self._token_of = token_of

    async def look(self, scope: Scope) -> None:
        bearer = self._tokens.bearer(self._token_of(scope), at=self._clock.now())
        if is_over(bearer, self._ended):
            raise NotAuthenticated("The session has ended. Log in again.")
        scope["auth"] = bearer


def is_over(bearer: Bearer, ended: EndedSessions) -> bool:
    """Whether the log-in of the token has ended, as by another role; or the secret that it was given out for."""
    return bearer.session_id is not None and ended.has(bearer.session_id)


def current_actor(request: Request[Any, Any, Any]) -> Actor:
    return current_bearer(request).actor


def current_bearer(request: Request[Any, Any, Any]) -> Bearer:
    bearer: Bearer = request.scope["auth"]
    return bearer
