"""The API's description, and a page to try it from. Nothing on it comes from anywhere but here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, SecurityScheme
from litestar.routes import BaseRoute
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from adapters.http.description import completed
from order_service.domain.actor import SCOPES_OF, ActorKind, Scope

_ASSETS = Path(__file__).parent / "swagger_ui"

_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order service</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs-assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs-assets/swagger-ui-bundle.js"></script>
<script src="/docs-assets/start.js"></script>
</body>
</html>
"""


_SCOPES = {
    Scope.ORDERS_READ.value: "Read orders, their histories and streams.",
    Scope.ORDERS_WRITE.value: "Place, edit, amend, screen and cancel orders; ask for returns.",
    Scope.PAYMENTS_WRITE.value: "Record payments and refunds.",
    Scope.SHIPMENTS_WRITE.value: "Ship, and note deliveries.",
    Scope.RETURNS_WRITE.value: "Receive and refuse returns.",
    Scope.EVENTS_READ.value: "Read the whole event log.",
    Scope.ACCOUNTS_READ.value: "Read or export one's own account, its history and sessions; as an admin, others'.",
    Scope.ACCOUNTS_WRITE.value: "Change or erase one's own account, end one's own sessions; as an admin, give roles.",
}


class SwaggerUi(OpenAPIRenderPlugin):
    """The page; it fetches the description itself. As the first renderer it is also what `/` shows."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        return _PAGE


class _Description(JsonRenderPlugin):
    """The document, completed once."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json")
        self._completed: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._completed is None:
            self._completed = self.render_json(request, completed(openapi_schema))
        return self._completed


class _WithoutCatchAll(Router):
    """The framework would answer any address that is not known with an HTML page; ours is a problem document."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        if isinstance(value, HTTPRouteHandler) and "/{path:str}" in value.paths:
            return []
        return super().register(value)


assets = create_static_files_router("/docs-assets", directories=[_ASSETS], include_in_schema=False)


def asyncapi_route(document: Mapping[str, object]) -> HTTPRouteHandler:
    body = msgspec.json.encode(document)

    @get("/asyncapi.json", include_in_schema=False, sync_to_thread=False)
    def asyncapi() -> Response[bytes]:
        return Response(body, media_type="application/json")

    return asyncapi


def openapi_config(version: str) -> OpenAPIConfig:
    log_in = OAuthFlow(token_url="/api/v1/auth/token", scopes=_SCOPES)  # noqa: S106 - an address
    service = OAuthFlow(
        token_url="/api/v1/auth/token",  # noqa: S106 - an address
        scopes={name: told for name, told in _SCOPES.items() if name in SCOPES_OF[ActorKind.SERVICE]},
    )
    return OpenAPIConfig(
        title="Order service",
        version=version,
        description="The life of an order, from placing to delivery. Every error is a problem document (RFC 9457).",
        components=Components(
            security_schemes={
                "password": SecurityScheme(
                    type="oauth2", flows=OAuthFlows(password=log_in, client_credentials=service)
                )
            }
        ),
        openapi_router=_WithoutCatchAll("/", route_handlers=[], include_in_schema=False),
        render_plugins=[SwaggerUi(path="/docs"), _Description()],
    )
