"""Other systems that act here on their own."""

import base64
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from order_service.domain.actor import SCOPES_OF, Actor, ActorKind, Scope, scopes_text
from order_service.domain.errors import InvalidField
from order_service.domain.secret import hash_of, is_hash_of
from order_service.domain.text import checked_text


@dataclass(slots=True, kw_only=True)
class Service:
    """A system with a name that only one has, and a secret that only it knows; here is only the secret's hash.

    `secret_id` is in every token that the secret was good for, so that they end with it.
    """

    id: UUID
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    secret_id: UUID
    secret_hash: bytes
    secret_made_at: datetime

    @classmethod
    def create(cls, *, id: UUID, name: str, scopes: Set[Scope], secret_id: UUID, secret: bytes, at: datetime) -> Self:
        """Raises InvalidField, also for scopes that are for people."""
        grantable = SCOPES_OF[ActorKind.SERVICE]
        if not scopes or not scopes <= grantable:
            raise InvalidField("scope", f"must be some of: {scopes_text(grantable)}.")
        return cls(
            id=id,
            name=checked_text("name", name, longest=100),
            scopes=frozenset(scopes),
            created_at=at,
            secret_id=secret_id,
            secret_hash=hash_of(client_secret(secret).encode()),
            secret_made_at=at,
        )

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.SERVICE, self.id, self.scopes)

    def knows(self, secret: str) -> bool:
        return is_hash_of(self.secret_hash, secret.encode())

    def rotate(self, *, secret_id: UUID, secret: bytes, at: datetime) -> None:
        """From now on only the new secret counts."""
        self.secret_id, self.secret_hash, self.secret_made_at = secret_id, hash_of(client_secret(secret).encode()), at


def client_secret(secret: bytes) -> str:
    """As the other system is told it."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
