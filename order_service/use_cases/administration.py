"""What only they may do who look after the accounts of others."""

from uuid import UUID

from order_service.domain.actor import Actor, ActorKind, Scope
from order_service.domain.errors import NotAllowed


def require_may_read(by: Actor, account_id: UUID | None) -> None:
    """Its holder, and admins. Raises InsufficientScope, NotAllowed."""
    by.require(Scope.ACCOUNTS_READ)
    if account_id != by.id:
        require_admin(by, "read the accounts of others", scope=Scope.ACCOUNTS_READ)


def require_admin(by: Actor, what: str, *, scope: Scope) -> None:
    """Admins, and the service itself, as which whoever runs it acts. Raises InsufficientScope, NotAllowed."""
    by.require(scope)
    if by.kind not in {ActorKind.ADMIN, ActorKind.SYSTEM}:
        raise NotAllowed(f"A {by.kind} may not {what}.")
