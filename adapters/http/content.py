"""Which content types are taken. The framework would parse anything as JSON.

The guards wait for nothing, but are asynchronous: others would each be run in a thread, and wait there for a core.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, get_type_hints

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

JSON = frozenset({"application/json"})
JSON_PATCH = JSON | {"application/merge-patch+json"}
FORM = frozenset({"application/x-www-form-urlencoded"})

ALSO_KNOWN = "also_known"
"""In a route's `opt`: a pattern of query parameters whose names are only half known."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class UnsupportedMediaType(HTTPException):
    status_code = 415


async def takes_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard. A request without a body needs no content type."""
    method = connection.scope.get("method")
    if method in _WITH_BODY and connection.headers.get("content-length", "") != "0":
        _require(connection, JSON_PATCH if method == "PATCH" else JSON)


async def takes_known_parameters_once(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A guard: the framework would take one of several, and say nothing of those that it does not know.

    Not of OPTIONS, which the framework answers itself: it asks what a path can do, whatever the query.
    """
    if not connection.scope["query_string"] or connection.scope.get("method") == "OPTIONS":
        return
    known, also_known = _parameters_of(handler.fn), handler.opt.get(ALSO_KNOWN)
    for name, values in connection.query_params.dict().items():
        if len(values) > 1:
            raise ClientException(f"The parameter {name!r:.60} must be there once.")
        if name not in known and not (also_known and also_known.fullmatch(name)):
            raise ClientException(f"There is no parameter {name!r:.60}.")


@cache
def _parameters_of(handler: Callable[..., Any]) -> frozenset[str]:
    """Those that are declared, each under its own name."""
    hints = get_type_hints(handler, include_extras=True)
    return frozenset(
        name
        for name, hint in hints.items()
        if any(isinstance(note, QueryParameter) for note in getattr(hint, "__metadata__", ()))
    )


async def takes_form(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    _require(connection, FORM)


def _require(connection: ASGIConnection[Any, Any, Any, Any], accepted: frozenset[str]) -> None:
    given = connection.headers.get("content-type", "")
    if given.split(";")[0].strip().lower() in accepted:
        return
    has_body = "content-length" in connection.headers or "transfer-encoding" in connection.headers
    if given or has_body:
        raise UnsupportedMediaType(detail=f"The content type must be {' or '.join(sorted(accepted))}.")
