"""Pages from templates. What a template is given is text, never markup: everything is escaped where it is put in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from adapters.http.as_is import AsIs
from adapters.http.ops import words
from adapters.http.ops.assets import address_of
from adapters.http.ops.entrance import FORM_TOKEN, LOG_IN, LOG_OUT, FormTokens, session_of
from adapters.http.problems import REQUEST_ID, extended
from order_service.domain.actor import Actor, Bearer

AnyRequest = Request[Any, Any, Any]
HTML = "text/html; charset=utf-8"

_MENU = (
    ("/ops", "Overview"),
    ("/ops/orders", "Orders"),
    ("/ops/jobs", "Jobs"),
    ("/ops/letters", "Dead letters"),
    ("/ops/deeds", "Deeds"),
)


class Pages:
    """Renders each page in the same frame, for whoever asks."""

    def __init__(self, form_tokens: FormTokens, *, version: str) -> None:
        self._form_tokens = form_tokens
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {
            "word": words.word,
            "time": words.time,
            "day": words.day,
            "age": words.age,
            "who": words.who,
            "who_did": words.who_did,
            "short": words.short,
            "short_uuid": words.short_uuid,
            "preview": words.preview,
        }
        self._templates.globals |= {
            "asset": address_of,
            "menu": _MENU,
            "version": version,
            "form_token_name": FORM_TOKEN,
            "log_in": LOG_IN,
            "log_out": LOG_OUT,
        }

    def page(
        self,
        request: AnyRequest,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = MappingProxyType({}),
        **known: object,
    ) -> Response[bytes]:
        """`known`: what the template calls by these names."""
        scope = extended(request.scope)
        bearer = scope.get("auth")
        is_in = isinstance(bearer, Bearer) and bearer.session_id is not None and bearer.actor.is_staff
        text = self._templates.get_template(template).render(
            bearer=bearer if is_in else None,
            form_token=self._form_tokens.of(session_of(bearer)) if is_in and bearer is not None else "",
            path=scope["path"].rstrip("/"),
            method=request.method,
            request_id=scope.get(REQUEST_ID, ""),
            now=datetime.now(UTC),
            **known,
        )
        return AsIs(text.encode(), status=status, media_type=HTML, headers=headers)


SomePages = NamedDependency[SkipValidation[Pages]]
By = NamedDependency[Actor]


def see_other(address: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response[bytes]:
    """Leads on to another page, after a form or instead of one; `address` is ASCII."""
    return AsIs(b"", status=303, media_type=HTML, headers={"Location": address, **headers})


def unchanged() -> Response[bytes]:
    """For a part of a page that would look the same: htmx leaves it alone."""
    return AsIs(b"", status=204)
