"""What holds for every answer, whoever gives it: a request id, and headers that keep browsers and caches careful."""

import asyncio
import random
import re
from collections.abc import Iterable, Sequence

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.as_is import AsIs
from adapters.http.content import header_of
from adapters.http.current import current_request
from adapters.http.leaving import Leaving
from adapters.http.problems import PROBLEM_JSON, PROBLEMS, RATE_LIMIT, REQUEST_ID, extended, problem_document
from order_service.domain.errors import TooBusy

Header = tuple[bytes, bytes]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

_CONTENT_SECURITY_POLICY = b"; ".join(
    (
        b"default-src 'self'",  # scripts from this server only: no document we show can smuggle one in
        b"img-src 'self' data:",
        b"style-src 'self' 'unsafe-inline'",
        b"frame-ancestors 'none'",
        b"base-uri 'none'",
        b"form-action 'self'",
    )
)
# Not Strict-Transport-Security: whether there is TLS, and how long there will be, the proxy knows that ends it.
_ALWAYS = (
    (b"server", b"order-service"),  # else granian gives its own name
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
)
_PRIVATE = (b"cache-control", b"private, no-store")
_LAST = (b"connection", b"close")

_AT_ONCE = 256
"""Requests in progress, in one process: more would only wait for each other, in the pools behind."""

_PER_TURN = 16
"""Requests begun in one turn of the event loop: a hundred that come together are no reason to keep others waiting."""

_WAIT_SECONDS = 1.0
_ELSEWHERE = "Web pages of this origin may not call the API from a browser."
STREAMS = ("/events/stream", "/accounts/me/export")
"""How the address of what is sent as slowly as its reader reads ends: many may be open at once, and idle."""


class Edge:
    """Around the whole application, because the framework answers some requests (404, 405) before any middleware.

    Takes in so many requests as can be worked on; others wait a moment, and `too_busy` then tells them to come again.
    A browser that asks for a page of another origin is refused here: the framework would do so in plain text.
    A client's `X-Request-Id` is kept if it is harmless, else replaced; it is in the answer, in problem documents and
    in the log. A process that is leaving ends the connection with each answer, and so sends its clients elsewhere.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str], *, too_busy: ASGIApp, leaving: Leaving) -> None:
        self._app = app
        self._too_busy = too_busy
        self._leaving = leaving
        self._origins = frozenset(origin.encode() for origin in allowed_origins)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._turns = asyncio.Semaphore(_PER_TURN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        sent, origin = header_of(scope, b"x-request-id"), header_of(scope, b"origin")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else b"%032x" % random.getrandbits(128)
        extended(scope)[REQUEST_ID] = text = request_id.decode()
        current_request.set(text)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = headers = _completed(message["headers"], request_id, scope)
                if self._leaving.begun:
                    headers.append(_LAST)
            await send(message)

        if scope["method"] == "OPTIONS" and origin and origin not in self._origins:
            await _answer("origin-not-allowed", _ELSEWHERE, scope, receive, send_with_headers)
        elif scope["path"].endswith(STREAMS):
            await self._app(scope, receive, send_with_headers)
        elif await self._got_a_place():
            try:
                await self._turns.acquire()
                asyncio.get_running_loop().call_soon(self._turns.release)
                await self._app(scope, receive, send_with_headers)
            finally:
                self._places.release()
        else:
            await self._too_busy(scope, receive, send_with_headers)

    async def _got_a_place(self) -> bool:
        if not self._places.locked():
            return await self._places.acquire()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return await self._places.acquire()
        except TimeoutError:
            return False


def _completed(headers: Iterable[Header], request_id: bytes, scope: Scope) -> list[Header]:
    """All that are added to an answer, by whomever it is given."""
    completed = [*headers, *extended(scope).get(RATE_LIMIT, ()), (b"x-request-id", request_id), *_ALWAYS]
    if b"cache-control" not in dict(completed):
        completed.append(_PRIVATE)
    return completed


async def tell_too_busy(scope: Scope, receive: Receive, send: Send) -> None:
    busy = TooBusy()
    await _answer(busy.code, str(busy), scope, receive, send, retry_after=busy.retry_after)


async def _answer(code: str, detail: str, scope: Scope, receive: Receive, send: Send, **members: int) -> None:
    request_id = extended(scope)[REQUEST_ID]
    problem = problem_document(code, detail, members, instance=scope["path"], request_id=request_id)
    headers = {"Retry-After": str(members["retry_after"])} if "retry_after" in members else {}
    body = msgspec.json.encode(problem)
    await AsIs(body, status=PROBLEMS[code].status, media_type=PROBLEM_JSON, headers=headers)(scope, receive, send)
