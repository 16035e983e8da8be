"""The public keys of access tokens, for whoever verifies them without asking us."""

from collections.abc import Mapping

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.http.problems import answers


class JwkOut(msgspec.Struct, omit_defaults=True):
    """RFC 7517; `kid` is the thumbprint of RFC 7638. `y` is there for P-256."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str
    y: str | msgspec.UnsetType = msgspec.UNSET


class JwkSetOut(msgspec.Struct):
    keys: list[JwkOut]


def jwks_route(jwks: Mapping[str, object]) -> HTTPRouteHandler:
    body = msgspec.json.encode(jwks)

    @get(
        "/.well-known/jwks.json",
        operation_id="list_token_keys",
        summary="Read the public keys of access tokens",
        description="A JWK set (RFC 7517): the key that signs now, and those before whose tokens still hold. Without "
        "keys where a secret signs. A key that is not there is asked for again: it may be new.",
        tags=["Accounts"],
        responses=answers({200: JwkSetOut}),
        sync_to_thread=False,
    )
    def token_keys() -> Response[bytes]:
        return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    return token_keys
