"""Who asks, and how much of what they may do their token opens."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self
from uuid import UUID

from order_service.domain.errors import AccountNotFound, InsufficientScope, InvalidScope


class Role(StrEnum):
    """What an account may be."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    ADMIN = "admin"


class ActorKind(StrEnum):
    CUSTOMER = "customer"
    OPERATOR = "operator"
    ADMIN = "admin"
    SERVICE = "service"
    SYSTEM = "system"


class Scope(StrEnum):
    """A part of what can be done here, which a token may be confined to (RFC 6749, section 3.3).

    `ORDERS_WRITE` is all that makes and changes orders but what the scopes below it are for. `EVENTS_READ` is the
    whole log, while the history of an order belongs to the order. Of accounts: one's own, for admins all.
    """

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_WRITE = "payments:write"
    SHIPMENTS_WRITE = "shipments:write"
    RETURNS_WRITE = "returns:write"
    EVENTS_READ = "events:read"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"


_EVERYTHING = frozenset(Scope)
_OF_HOLDERS = frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE})

SCOPES_OF: Mapping[ActorKind, frozenset[Scope]] = MappingProxyType(
    {
        ActorKind.CUSTOMER: _OF_HOLDERS,
        ActorKind.OPERATOR: _EVERYTHING - {Scope.EVENTS_READ},
        ActorKind.ADMIN: _EVERYTHING,
        ActorKind.SERVICE: _EVERYTHING - {Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE},
        ActorKind.SYSTEM: _EVERYTHING,
    }
)
"""The most that each may have: people have all of it, a service what it was made with."""


@dataclass(frozen=True, slots=True)
class Actor:
    """An account in its role, another system (`SERVICE`), or we ourselves (`SYSTEM`), also for trusted messages.

    `scopes` are never more than those of the kind, whatever is given.
    """

    kind: ActorKind
    id: UUID | None = None
    scopes: frozenset[Scope] = _EVERYTHING

    def __post_init__(self) -> None:
        if (self.id is None) != (self.kind is ActorKind.SYSTEM):
            raise ValueError(f"a {self.kind} actor with the id {self.id}: accounts have one, the service has none")
        object.__setattr__(self, "scopes", self.scopes & SCOPES_OF[self.kind])

    @classmethod
    def account(cls, account_id: UUID, role: Role) -> Self:
        return cls(ActorKind(role), account_id)

    @property
    def is_staff(self) -> bool:
        return self.kind in {ActorKind.OPERATOR, ActorKind.ADMIN}

    @property
    def tells_facts(self) -> bool:
        """Of money: what such an actor says has happened has happened, whatever the order says."""
        return self.kind in {ActorKind.SERVICE, ActorKind.SYSTEM}

    @property
    def only_own(self) -> UUID | None:
        """The customer to whose orders this actor is confined; None for all others."""
        return self.id if self.kind is ActorKind.CUSTOMER else None

    @property
    def own_account(self) -> UUID:
        """Raises AccountNotFound for us ourselves. A service has none either, and no scope to ask for one."""
        if self.id is None:
            raise AccountNotFound
        return self.id

    @property
    def looks_after_accounts(self) -> bool:
        """Admins, and we ourselves, as whom whoever runs the service acts."""
        return self.kind in {ActorKind.ADMIN, ActorKind.SYSTEM}

    def require(self, scope: Scope) -> None:
        """Raises InsufficientScope."""
        if scope not in self.scopes:
            raise InsufficientScope(scope)

    def confined_to(self, wanted: str) -> Self:
        """The same with no more than the `wanted` scopes, separated by spaces; none wanted: with all that there are.

        Raises InvalidScope for what this actor has not.
        """
        names = frozenset(wanted.split())
        if not names <= self.scopes:
            raise InvalidScope(scopes_text(self.scopes))
        return replace(self, scopes=scopes_of(names)) if names else self


def scopes_of(names: Set[str]) -> frozenset[Scope]:
    """Raises ValueError for a name that is no scope."""
    return frozenset(map(Scope, names))


def scopes_text(scopes: Set[Scope]) -> str:
    """Separated by spaces, in an order that is always the same."""
    return " ".join(scope for scope in Scope if scope in scopes)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever sends a token: who it is, until when it holds, and in which log-in it was given out, if in any."""

    actor: Actor
    expires_at: datetime
    session_id: UUID | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
