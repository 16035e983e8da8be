"""Which content types are taken. The framework would parse anything as JSON."""

from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, HTTPException
from litestar.handlers import BaseRouteHandler

JSON = frozenset({"application/json"})
JSON_PATCH = JSON | {"application/merge-patch+json"}
FORM = frozenset({"application/x-www-form-urlencoded"})

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class UnsupportedMediaType(HTTPException):
    status_code = 415


def takes_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard. A request without a body needs no content type."""
    method = connection.scope.get("method")
    if method in _WITH_BODY and connection.headers.get("content-length", "") != "0":
        _require(connection, JSON_PATCH if method == "PATCH" else JSON)


def takes_known_parameters_once(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: the framework would take one of several, and say nothing of those that it does not know."""
    known = _parameters_of(handler.fn)
    for name, values in connection.query_params.dict().items():
        if len(values) > 1:
            raise ClientException(f"The parameter {name!r:.60} must be there once.")
        if name.partition("[")[0] not in known:
            raise ClientException(f"There is no parameter {name!r:.60}.")


@lru_cache
def _parameters_of(handler: Callable[..., Any]) -> frozenset[str]:
    return frozenset(signature(handler).parameters) | {"metadata"}


def takes_form(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    _require(connection, FORM)


def _require(connection: ASGIConnection[Any, Any, Any, Any], accepted: frozenset[str]) -> None:
    given = connection.headers.get("content-type", "")
    if given.split(";")[0].strip().lower() in accepted:
        return
    has_body = "content-length" in connection.headers or "transfer-encoding" in connection.headers
    if given or has_body:
        raise UnsupportedMediaType(detail=f"The content type must be {' or '.join(sorted(accepted))}.")
