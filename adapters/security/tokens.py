"""Access tokens: JWTs of the access-token profile (RFC 9068), and nothing that is not exactly as we write them."""

import base64
import json
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, NoReturn
from uuid import UUID

import jwt
import msgspec
from msgspec import Meta

from adapters.security.keys import TokenKey, TokenKeys
from adapters.security.verified_tokens import VerifiedToken, VerifiedTokens
from order_service.domain.actor import Actor, ActorKind, Bearer, scopes_of, scopes_text
from order_service.domain.errors import NotAuthenticated

_US: Final = "order-service"
_PUBLIC_CLIENT = "public"
"""The client of people: whichever program they use, it has not told its name."""

_LONGEST = 4096
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_CLOCKS_DIFFER = timedelta(minutes=1)
"""How far ahead the clock of the process that issued a token may be."""

_Seconds = Annotated[int, Meta(ge=0, lt=253_402_300_800)]
"""Since 1970, and before the year 10000."""


class _Claims(msgspec.Struct, omit_defaults=True):
    iss: Literal["order-service"]
    aud: Literal["order-service"]
    sub: UUID | None
    client_id: str
    role: ActorKind
    scope: Annotated[str, Meta(min_length=1)]
    iat: _Seconds
    exp: _Seconds
    jti: str
    nbf: _Seconds = 0
    sid: UUID | None = None


class JwtTokens:
    """`role` and `scope` travel in the token, so no request has to look the account up.

    Of a token that comes back, nothing is believed before its signature is verified but the name of its key, which is
    looked up among ours; and with the key everything else in the header is given. Of one that was verified within the
    last minute the signature is not looked at again.
    """

    def __init__(self, keys: TokenKeys, *, lifetime: timedelta) -> None:
        self._key = keys.current
        self._known = keys.by_kid
        self._remembered = VerifiedTokens()
        self.lifetime = lifetime

    def issue(self, actor: Actor, *, at: datetime, session_id: UUID | None = None) -> str:
        claims = _Claims(
            iss=_US,
            aud=_US,
            sub=actor.id,
            client_id=str(actor.id) if actor.kind is ActorKind.SERVICE else _PUBLIC_CLIENT,
            role=actor.kind,
            scope=scopes_text(actor.scopes),
            iat=int(at.timestamp()),
            exp=int((at + self.lifetime).timestamp()),
            jti=secrets.token_urlsafe(12),
            sid=session_id,
        )
        return jwt.encode(
            msgspec.to_builtins(claims),
            self._key.signing,
            algorithm=self._key.algorithm,
            headers=dict(self._key.header),
        )

    def bearer(self, token: str, *, at: datetime) -> Bearer:
        known = self._remembered.get(token, at=at) if len(token) <= _LONGEST else None
        found = known or self._read(token)
        if found.bearer.expires_at <= at:
            raise NotAuthenticated("The token has expired. Log in again.")
        if found.holds_from > at.timestamp() + _CLOCKS_DIFFER.total_seconds():
            raise NotAuthenticated("The token does not hold yet.")
        if known is None:
            self._remembered.remember(token, found, at=at)
        return found.bearer

    def _read(self, token: str) -> VerifiedToken:
        """What the token says, once it is verified. Raises NotAuthenticated."""
        try:
            claims = msgspec.convert(_json(self._verified(token)), _Claims)
            actor = Actor(claims.role, claims.sub, scopes_of(set(claims.scope.split(" "))))
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            raise NotAuthenticated("The token is not one of this service.") from error
        # Which sessions have ended is known for as long as a token lives by the setting of now, which may be less.
        expires = min(claims.exp, claims.iat + int(self.lifetime.total_seconds()))
        bearer = Bearer(actor, datetime.fromtimestamp(expires, UTC), claims.sid)
        return VerifiedToken(bearer=bearer, holds_from=max(claims.iat, claims.nbf))

    def _verified(self, token: str) -> bytes:
        """The payload, in which one of our keys put its trust. Raises ValueError."""
        parts = _PARTS.fullmatch(token) if len(token) <= _LONGEST else None
        if parts is None:
            raise ValueError("no compact JWS")
        header, payload, signature = (_decoded(part) for part in parts.groups())
        said = _json(header)
        key = self._named(said.get("kid"))
        if said != key.header:
            raise ValueError("another header than ours")
        signed = token.rpartition(".")[0].encode()
        if not jwt.get_algorithm_by_name(key.algorithm).verify(signed, key.verifying, signature):
            raise ValueError("another signature than ours")
        return payload

    def _named(self, kid: object) -> TokenKey:
        key = self._known.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("no key of ours")
        return key


def _decoded(part: str) -> bytes:
    """Strictly: there is one way to write each content, so that a token cannot be changed and stay the same."""
    content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != part:
        raise ValueError("no canonical base64url")
    return content


def _json(content: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no object in UTF-8, has a name twice, or NaN."""
    found = json.loads(content.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - what is said is wrong, not who says it
    return found


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name twice")
    return names


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
