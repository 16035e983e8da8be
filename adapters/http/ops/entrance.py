"""Who comes in at `/ops`: the cookie that a log-in leaves, and what makes sure that a form was sent from our page."""

import hashlib
import hmac
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from litestar import Request
from litestar.types import Scope

from adapters.http.auth import current_bearer
from adapters.http.before import Before
from adapters.http.content import header_of
from adapters.http.limits import Networks, comes_by_proxy
from order_service.domain.actor import Bearer
from order_service.domain.errors import NotAllowed, NotAuthenticated

HOME = "/ops"
LOG_IN = "/ops/login"
LOG_OUT = "/ops/logout"

COOKIE = "order_service_ops"
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field

LONGEST_WAY_BACK = 2000

_CHANGES = frozenset({"POST"})


class FromElsewhere(NotAllowed):
    """A form that was not sent from a page of ours, or from one of another log-in."""

    def __init__(self) -> None:
        super().__init__("This form was not sent from a page of this log-in. Open the page again, and send it there.")


class FormTokens:
    """Names a session in the forms that are given to it, so that no other page can send them."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"ops form\0" + secret_key.encode()).digest()

    def of(self, session_id: UUID) -> str:
        return hmac.digest(self._key, session_id.bytes, "sha256").hex()

    async def check(self, request: Request[Any, Any, Any]) -> None:
        """Before each route that changes something. Raises FromElsewhere."""
        if request.method not in _CHANGES:
            return
        given = (await request.form()).getall(FORM_TOKEN, [])
        expected = self.of(session_of(current_bearer(request)))
        if len(given) != 1 or not hmac.compare_digest(str(given[0]).encode(), expected.encode()):
            raise FromElsewhere


class SentFromHere(Before):
    """Lets no form through that a browser sends from a page of another origin.

    Browsers say so in `Sec-Fetch-Site`, where there is TLS or the page is on the same machine; else in `Origin`. Our
    pages allow it (their `referrer` is `same-origin`).
    """

    def __init__(self, proxies: Networks) -> None:
        self._proxies = proxies

    async def look(self, scope: Scope) -> None:
        if scope.get("method") not in _CHANGES:
            return
        if site := header_of(scope, b"sec-fetch-site"):
            if site != b"same-origin":
                raise FromElsewhere
        elif _host_of(header_of(scope, b"origin").decode("latin-1")) not in self._hosts(scope) - {""}:
            raise FromElsewhere

    def _hosts(self, scope: Scope) -> set[str]:
        hosts = {header_of(scope, b"host").decode("latin-1")}
        if comes_by_proxy(scope, self._proxies):
            hosts.add(header_of(scope, b"x-forwarded-host").decode("latin-1"))
        return hosts


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


class Staff(Before):
    """Behind `Authentication`: operators and admins, who have logged in."""

    async def look(self, scope: Scope) -> None:
        bearer: Bearer = scope["auth"]
        session_of(bearer)
        if not bearer.actor.is_staff:
            raise NotAllowed("These pages are for operators and admins.")


def session_of(bearer: Bearer) -> UUID:
    """Raises NotAuthenticated for a token of no session: there would be nothing to bind a form to, or to end."""
    if bearer.session_id is None:
        raise NotAuthenticated("Log in to see this page.")
    return bearer.session_id


def token_of_cookie(scope: Scope) -> str:
    """Whatever else this host gave to the browser: it need not be cookies by the book. Raises NotAuthenticated."""
    sent = b";".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    for name, _, value in (pair.strip().partition("=") for pair in sent.split(";")):
        if name == COOKIE and value:
            return value
    raise NotAuthenticated("Log in to see this page.")


def cookie(token: str, *, seconds: int, secure: bool) -> str:
    """The Set-Cookie that keeps `token` for so long; no script can read it, no other site can send it along."""
    parts = [f"{COOKIE}={token}", "Path=/ops", f"Max-Age={seconds}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def is_encrypted(scope: Scope, proxies: Networks) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy of ours."""
    forwarded = header_of(scope, b"x-forwarded-proto").decode("latin-1").lower()
    by_proxy = comes_by_proxy(scope, proxies) and "https" in [part.strip() for part in forwarded.split(",")]
    return scope.get("scheme") == "https" or by_proxy


def way_back(wanted: str) -> str:
    """`wanted` if it is one of our pages, else the first of them: nobody is led elsewhere after a log-in."""
    path = unquote(wanted.partition("?")[0])
    is_ours = path == HOME or path.startswith(f"{HOME}/")
    is_plain = (
        len(wanted) <= LONGEST_WAY_BACK
        and wanted.isascii()
        and wanted.isprintable()
        and not set(wanted) & set(' \\"<>')
        and "#" not in wanted
    )
    if not (is_ours and is_plain) or ".." in path or "\\" in path or "//" in path or path in {LOG_IN, LOG_OUT}:
        return HOME
    return wanted
