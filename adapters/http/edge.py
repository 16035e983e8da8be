"""What holds for every answer, whoever gives it: a request id, and headers that keep browsers and caches careful."""

import re
import uuid

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.problems import REQUEST_ID, extended

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",  # scripts from this server only: no document we show can smuggle one in
        b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    ),
)
_PRIVATE = (b"cache-control", b"private, no-store")


class Edge:
    """Around the whole application, because the framework answers some requests (404, 405) before any middleware.

    A client's `X-Request-Id` is kept if it is harmless, else replaced; it is in the answer, in problem documents and
    in the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex.encode()
        extended(scope)[REQUEST_ID] = request_id.decode()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"x-request-id", request_id), *_ALWAYS]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append(_PRIVATE)
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_with_headers)
