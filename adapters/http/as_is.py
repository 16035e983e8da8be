"""An answer that is ready to be sent: the framework's own renders, merges and encodes what is bytes already."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from litestar import Response
from litestar.types import Receive, Scope, Send

APPLICATION_JSON = "application/json"

_NO_CONTENT = frozenset({204, 304})


class AsIs(Response[bytes]):
    """Sends `body` untouched, as what `media_type` says; where there can be no body, neither is told of.

    Names and values of `headers` are Latin-1.
    """

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        media_type: str = APPLICATION_JSON,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        # Not the framework's own: all that it prepares is for rendering.
        self.content = body
        self.status_code = status
        self._start = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        if status not in _NO_CONTENT:
            self._start.append((b"content-type", media_type.encode("latin-1")))
            self._start.append((b"content-length", b"%d" % len(body)))

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Itself: it can be sent as it is."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        await send({"type": "http.response.start", "status": self.status_code or 200, "headers": self._start})
        await send({"type": "http.response.body", "body": self.content, "more_body": False})
