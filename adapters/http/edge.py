"""What holds for every answer, whoever gives it: a request id, and headers that keep browsers and caches careful."""

import asyncio
import re
import uuid

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.problems import PROBLEM_JSON, REQUEST_ID, extended, problem_document

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

_AT_ONCE = 256
"""Requests in progress, in one process: more would only wait for each other, in the pools behind."""

_WAIT_SECONDS = 1.0
_BUSY = "Too many requests at this moment. Try again soon, with the same Idempotency-Key."
_STREAMS = ("/events/stream", "/accounts/me/export")
"""How the address of what is sent as slowly as its reader reads ends: many may be open at once, and idle."""


class Edge:
    """Around the whole application, because the framework answers some requests (404, 405) before any middleware.

    Takes in so many requests as can be worked on; others wait a moment, and are then told to come again.
    A client's `X-Request-Id` is kept if it is harmless, else replaced; it is in the answer, in problem documents and
    in the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._places = asyncio.Semaphore(_AT_ONCE)

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

        if scope["path"].endswith(_STREAMS):
            await self._app(scope, receive, send_with_headers)
        elif await self._got_a_place():
            try:
                await self._app(scope, receive, send_with_headers)
            finally:
                self._places.release()
        else:
            await _say_busy(scope["path"], request_id.decode(), send_with_headers)

    async def _got_a_place(self) -> bool:
        if not self._places.locked():
            return await self._places.acquire()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return await self._places.acquire()
        except TimeoutError:
            return False


async def _say_busy(path: str, request_id: str, send: Send) -> None:
    problem = problem_document("too-busy", _BUSY, {"retry_after": 1}, instance=path, request_id=request_id)
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(problem), "more_body": False})
