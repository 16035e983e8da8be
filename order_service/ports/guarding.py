"""Who may come in, and how often."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from order_service.domain.actor import Actor, Bearer


class PasswordHasher(Protocol):
    """Hashing takes its time: where too many wait for it already, one more raises TooBusy."""

    async def hash(self, password: str) -> str: ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made in a weaker way than hashes are made now."""

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether they match. Without a hash: False, after as long as a wrong password takes."""


class CommonPasswords(Protocol):
    def has(self, password: str) -> bool:
        """Whether it is among the first that anybody would guess; `password` is `comparable`, and so are those."""


class Tokens(Protocol):
    lifetime: timedelta

    def issue(self, actor: Actor, *, at: datetime, session_id: UUID | None = None) -> str: ...

    def bearer(self, token: str, *, at: datetime) -> Bearer:
        """Whose token it is. Raises NotAuthenticated for one that is forged, expired or not for this service."""


class EndedSessions(Protocol):
    def has(self, session_id: UUID) -> bool:
        """Whether the session, or a service's secret, has ended, or did so a second ago at most; for as long as its
        access tokens live.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`limit` requests in each `window`, all at once or spread.

    `guards_secrets`: whoever is limited may be guessing passwords, so without a limit there is no answer either.
    """

    name: str
    limit: int
    window: timedelta
    guards_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Times in seconds: `retry_after` until the next request is allowed (0 if it is now), `reset` until all are."""

    allowed: bool
    remaining: int
    retry_after: float
    reset: float


class RateLimiter(Protocol):
    async def take(self, quota: Quota, subject: str) -> Allowance:
        """Counts one request. Where the count is out of reach: allowed, or DependencyUnavailable for secrets."""

    async def give_back(self, quota: Quota, subject: str) -> None:
        """As if one request less had been made. Where the count is out of reach: as for `take`."""


class KnownOrigins(Protocol):
    """A place is an account and an address, under a name that tells neither. Raises DependencyUnavailable."""

    async def has(self, place: str) -> bool:
        """Whether it is remembered still; one that was forgotten early is not an error."""

    async def remember(self, place: str, *, lifetime: timedelta) -> None: ...
