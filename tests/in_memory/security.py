"""Passwords and tokens that can be read."""

from datetime import datetime, timedelta
from uuid import UUID

from order_service.domain.actor import Actor, Bearer
from order_service.domain.errors import NotAuthenticated
from tests.in_memory.system import others_run


class PlainPasswords:
    """`checked` has the hash of every comparison: an unknown account's is the same work on `NOBODYS`."""

    NOBODYS = "hash of nobody's"

    def __init__(self) -> None:
        self.checked: list[str] = []

    async def hash(self, password: str) -> str:
        await others_run()
        return f"hash of {password}"

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash.startswith("weak ")

    async def verify(self, password: str, password_hash: str | None) -> bool:
        await others_run()
        self.checked.append(password_hash or self.NOBODYS)
        return password_hash in (f"hash of {password}", f"weak hash of {password}")


class FewPasswords:
    """The one that everybody has."""

    def has(self, password: str) -> bool:
        return password == "password123"


class NumberedTokens:
    lifetime = timedelta(minutes=15)

    def __init__(self) -> None:
        self._issued: list[tuple[Bearer, datetime]] = []

    def issue(self, actor: Actor, *, at: datetime, session_id: UUID | None = None) -> str:
        self._issued.append((Bearer(actor, at + self.lifetime, session_id), at + self.lifetime))
        return f"token {len(self._issued)}"

    def bearer(self, token: str, *, at: datetime) -> Bearer:
        for number, (bearer, expires_at) in enumerate(self._issued, start=1):
            if token == f"token {number}" and at < expires_at:
                return bearer
        raise NotAuthenticated("The token is not one of this service, or has expired.")
