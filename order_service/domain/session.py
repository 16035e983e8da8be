"""Who has logged in, and for how long that holds."""

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from order_service.domain.actor import Actor, Scope
from order_service.domain.secret import SECRET_BYTES, hash_of, is_hash_of

GRACE = timedelta(seconds=10)
"""Two requests of one client may refresh at once: the one that comes second is refused, and no thief for that."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One log-in, and every refresh token that follows from it: each is good for one successor.

    A token that was used before is in two hands, and nobody knows which is the thief's; so the whole session ends.
    Only hashes of tokens are kept. `former_hash` is the hash of the token before the newest. `scopes`: what the
    log-in was confined to; None for all that the account may, then and later.
    """

    id: UUID
    account_id: UUID
    began_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    token_hash: bytes
    former_hash: bytes | None = None
    ended_at: datetime | None = None
    scopes: frozenset[Scope] | None = None

    @classmethod
    def begin(
        cls,
        *,
        id: UUID,
        account_id: UUID,
        secret: bytes,
        at: datetime,
        lifetime: timedelta,
        scopes: frozenset[Scope] | None = None,
    ) -> Self:
        """`lifetime` runs from the log-in, however often the session is refreshed."""
        return cls(
            id=id,
            account_id=account_id,
            began_at=at,
            refreshed_at=at,
            expires_at=at + lifetime,
            token_hash=hash_of(secret),
            scopes=scopes,
        )

    def confined(self, holder: Actor) -> Actor:
        """`holder` as a token of this session may let them in."""
        return holder if self.scopes is None else replace(holder, scopes=holder.scopes & self.scopes)

    def is_open(self, at: datetime) -> bool:
        return self.ended_at is None and at < self.expires_at

    def refresh(self, secret: bytes, *, successor: bytes, at: datetime) -> bool:
        """Whether `successor` is the secret of the newest token from now on. If not, the session may have ended."""
        if not self.is_open(at):
            return False
        if is_hash_of(self.token_hash, secret):
            self.former_hash, self.token_hash, self.refreshed_at = self.token_hash, hash_of(successor), at
            return True
        if not (self._is_former(secret) and at <= self.refreshed_at + GRACE):
            self.end(at)
        return False

    def belongs_to(self, secret: bytes) -> bool:
        """Whether it is the secret of the newest token, or of the one before."""
        return is_hash_of(self.token_hash, secret) or self._is_former(secret)

    def end(self, at: datetime) -> None:
        """Ended already: nothing happens."""
        if self.ended_at is None:
            self.ended_at = at

    def _is_former(self, secret: bytes) -> bool:
        return self.former_hash is not None and is_hash_of(self.former_hash, secret)


def refresh_token(session_id: UUID, secret: bytes) -> str:
    """What the client gets, and need not understand."""
    return base64.urlsafe_b64encode(session_id.bytes + secret).decode()


def read_refresh_token(token: str) -> tuple[UUID, bytes] | None:
    """The session's id and the secret; None for what is no token of ours."""
    try:
        content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return None
    session_id, secret = content[:16], content[16:]
    if len(secret) != SECRET_BYTES or refresh_token(UUID(bytes=session_id), secret) != token:
        return None
    return UUID(bytes=session_id), secret
