"""How another system says who it is at the token endpoint (RFC 6749, section 2.3.1)."""

import base64
from typing import Any
from urllib.parse import unquote_plus

from litestar import Request

from order_service.domain.errors import InvalidClient


class TwoAuthentications(Exception):
    """The client says who it is in more than one way, and they need not agree."""


def client_credentials(request: Request[Any, Any, Any], client_id: str, client_secret: str) -> tuple[str, str]:
    """Id and secret, from HTTP Basic or else from the form. Raises InvalidClient, TwoAuthentications.

    Of other schemes, such as a token that a client sends with whatever it asks, nothing is believed.
    """
    sent = [value.partition(" ") for value in request.headers.getall("authorization", [])]
    basic = [encoded for scheme, _, encoded in sent if scheme.lower() == "basic"]
    if len(basic) > 1 or (basic and client_secret):
        raise TwoAuthentications
    if not basic:
        return client_id, client_secret
    try:
        name, colon, secret = base64.b64decode(basic[0].strip(" "), validate=True).decode().partition(":")
    except ValueError:
        raise InvalidClient from None
    if not colon or client_id not in ("", unquote_plus(name)):
        raise InvalidClient
    return unquote_plus(name), unquote_plus(secret)
