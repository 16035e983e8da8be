"""What stands before a route, and lets a request through or raises.

The framework has middlewares and guards of its own for that. It opens a context for each of those, and copies the
whole route for each guard and each request.
"""

from abc import ABC, abstractmethod
from typing import Any, Self

from litestar.types import ASGIApp, Receive, Scope, Send


class Before(ABC):
    @abstractmethod
    async def look(self, scope: Scope) -> None:
        """Raises what the request is refused with; what it finds for those behind it, it leaves in the scope."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # the framework copies routers, with all they hold; but there is one limiter, one set of keys

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def looked_at(scope: Scope, receive: Receive, send: Send) -> None:
            await self.look(scope)
            await app(scope, receive, send)

        return looked_at
