"""Access tokens: JWTs of the access-token profile (RFC 9068), signed with the service's secret."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from order_service.domain.account import Account
from order_service.domain.actor import Actor, Bearer, Role
from order_service.domain.errors import NotAuthenticated

_ISSUER = "order-service"
_AUDIENCE = "order-service"
_TYPE = "at+jwt"
_ALGORITHM = "HS256"


class JwtTokens:
    """`role` travels in the token, so no request has to look the account up."""

    def __init__(self, secret_key: str, *, lifetime: timedelta) -> None:
        self._secret_key = secret_key
        self.lifetime = lifetime

    def issue(self, account: Account, *, at: datetime, session_id: UUID | None = None) -> str:
        claims: dict[str, object] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(account.id),
            "role": account.role,
            "iat": int(at.timestamp()),
            "exp": int((at + self.lifetime).timestamp()),
            "jti": secrets.token_urlsafe(12),
        }
        if session_id is not None:
            claims["sid"] = str(session_id)
        return jwt.encode(claims, self._secret_key, algorithm=_ALGORITHM, headers={"typ": _TYPE})

    def bearer(self, token: str, *, at: datetime) -> Bearer:
        try:
            decoded = jwt.decode_complete(
                token,
                self._secret_key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # Our own clock decides about the time, below.
                options={
                    "require": ["iss", "aud", "sub", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            claims = decoded["payload"]
            if decoded["header"].get("typ") != _TYPE:
                raise NotAuthenticated("The token is not an access token.")
            if not isinstance(claims["exp"], int) or claims["exp"] <= at.timestamp():
                raise NotAuthenticated("The token has expired. Log in again.")
            session_id = UUID(claims["sid"]) if "sid" in claims else None
            actor = Actor.account(UUID(claims["sub"]), Role(claims["role"]))
            return Bearer(actor, datetime.fromtimestamp(claims["exp"], UTC), session_id)
        except (jwt.InvalidTokenError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise NotAuthenticated("The token is not one of this service.") from error
