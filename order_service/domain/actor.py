"""Who asks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID


class Role(StrEnum):
    """What an account may be."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    ADMIN = "admin"


class ActorKind(StrEnum):
    CUSTOMER = "customer"
    OPERATOR = "operator"
    ADMIN = "admin"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """An account in its role, or the service itself (`SYSTEM`), which also speaks for trusted messages."""

    kind: ActorKind
    id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.id is None) != (self.kind is ActorKind.SYSTEM):
            raise ValueError(f"a {self.kind} actor with the id {self.id}: accounts have one, the service has none")

    @classmethod
    def account(cls, account_id: UUID, role: Role) -> Self:
        return cls(ActorKind(role), account_id)

    @property
    def is_staff(self) -> bool:
        return self.kind in {ActorKind.OPERATOR, ActorKind.ADMIN}

    @property
    def only_own(self) -> UUID | None:
        """The customer to whose orders this actor is confined; None for staff and the service itself."""
        return self.id if self.kind is ActorKind.CUSTOMER else None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever sends a token: who it is, until when it holds, and in which log-in it was given out, if in any."""

    actor: Actor
    expires_at: datetime
    session_id: UUID | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
