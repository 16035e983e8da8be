"""Which content types and parameters are taken. The framework would parse anything as JSON."""

from collections.abc import Callable
from functools import cache
from typing import Any, get_type_hints

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, HTTPException
from litestar.params import QueryParameter
from litestar.types import Scope

from adapters.http.before import Before

JSON = frozenset({"application/json"})
JSON_PATCH = JSON | {"application/merge-patch+json"}
FORM = frozenset({"application/x-www-form-urlencoded"})

ALSO_KNOWN = "also_known"
"""In a route's `opt`: a pattern of query parameters whose names are only half known."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_OF_A_BODY = frozenset({b"content-length", b"transfer-encoding"})


class UnsupportedMediaType(HTTPException):
    status_code = 415


class Checked(Before):
    """The last one before a route."""

    def __init__(self, *checks: Callable[[Scope], None]) -> None:
        self._checks = checks

    async def look(self, scope: Scope) -> None:
        for check in self._checks:
            check(scope)


def takes_json(scope: Scope) -> None:
    """A request without a body needs no content type."""
    method = scope.get("method")
    if method in _WITH_BODY and header_of(scope, b"content-length") != b"0":
        _require(scope, JSON_PATCH if method == "PATCH" else JSON)


def takes_form(scope: Scope) -> None:
    _require(scope, FORM)


def takes_known_parameters_once(scope: Scope) -> None:
    """The framework would take one of several, and say nothing of those that it does not know.

    Not of OPTIONS, which the framework answers itself: it asks what a path can do, whatever the query.
    """
    if not scope["query_string"] or scope.get("method") == "OPTIONS":
        return
    handler = scope["route_handler"]
    known, also_known = _parameters_of(handler.fn), handler.opt.get(ALSO_KNOWN)
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
    for name, values in connection.query_params.dict().items():
        if len(values) > 1:
            raise ClientException(f"The parameter {name!r:.60} must be there once.")
        if name not in known and not (also_known and also_known.fullmatch(name)):
            raise ClientException(f"There is no parameter {name!r:.60}.")


def header_of(scope: Scope, wanted: bytes) -> bytes:
    """The first of this name, in small letters as all names in a scope are; empty if there is none."""
    for name, value in scope["headers"]:
        if name == wanted:
            return value
    return b""


@cache
def _parameters_of(handler: Callable[..., Any]) -> frozenset[str]:
    """Those that are declared, each under its own name."""
    hints = get_type_hints(handler, include_extras=True)
    return frozenset(
        name
        for name, hint in hints.items()
        if any(isinstance(note, QueryParameter) for note in getattr(hint, "__metadata__", ()))
    )


def _require(scope: Scope, accepted: frozenset[str]) -> None:
    given = header_of(scope, b"content-type").decode("latin-1")
    if given in accepted or given.split(";")[0].strip().lower() in accepted:
        return
    if given or any(name in _OF_A_BODY for name, _ in scope["headers"]):
        raise UnsupportedMediaType(detail=f"The content type must be {' or '.join(sorted(accepted))}.")
