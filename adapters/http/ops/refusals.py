"""Refusals as pages, in the same words that programs get."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from litestar import Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.types import ExceptionHandlersMap

from adapters.http.as_is import AsIs
from adapters.http.ops.entrance import LOG_IN
from adapters.http.ops.rendering import HTML, AnyRequest, Pages, see_other
from adapters.http.problems import CODE_BY_STATUS, PROBLEMS, REQUEST_ID, extended
from order_service.domain import errors

_log = logging.getLogger(__name__)


class Refusals:
    """Of each kind of refusal the page."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    @property
    def handlers(self) -> ExceptionHandlersMap:
        return {
            errors.NotAuthenticated: self.on_nobody,
            errors.OrderServiceError: self.on_refusal,
            HTTPException: self.on_http_error,
            Exception: self.on_bug,
        }

    def on_nobody(self, request: AnyRequest, _: errors.NotAuthenticated) -> Response[bytes]:
        """To the log-in, which leads back to what was asked for.

        A browser sends our cookie with nothing that another site leads to, such as a link in a mail; so it is sent
        once more from a page of ours.
        """
        if "hx-request" in request.headers:  # a part of a page that is there: all of it is loaded anew
            return AsIs(b"", media_type=HTML, headers={"HX-Refresh": "true"})
        path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
        wanted = f"{path}?{query}" if query and request.method == "GET" else path
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            return self._pages.page(request, "coming.html", wanted=quote(wanted, safe="/?&=%+"))
        return see_other(f"{LOG_IN}?next={quote(wanted, safe='/')}")

    def on_refusal(self, request: AnyRequest, error: errors.OrderServiceError) -> Response[bytes]:
        retry_after = error.details().get("retry_after")
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self._page(request, error.code, str(error), headers)

    def on_http_error(self, request: AnyRequest, error: HTTPException) -> Response[bytes]:
        if isinstance(error, ValidationException):
            return self._page(request, "malformed-request", "The address or the form has a value that cannot be.")
        code = CODE_BY_STATUS.get(
            error.status_code, "malformed-request" if error.status_code < 500 else "internal-error"
        )
        detail = "There is nothing at this address." if isinstance(error, NotFoundException) else error.detail
        return self._page(request, code, detail, error.headers or {})

    def on_bug(self, request: AnyRequest, error: Exception) -> Response[bytes]:
        """Nobody foresaw this: the log gets all of it, the page nothing but where to look."""
        request_id = extended(request.scope).get(REQUEST_ID, "")
        _log.error("request %s failed", request_id, exc_info=error, extra={"request_id": request_id})
        return self._page(request, "internal-error", "Something went wrong on our side.")

    def _page(
        self,
        request: AnyRequest,
        code: str,
        detail: str,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response[bytes]:
        problem = PROBLEMS[code]
        return self._pages.page(
            request, "refusal.html", status=problem.status, headers=headers, problem=problem, code=code, detail=detail
        )
