"""What only they may do who look after the accounts of others, or after the machinery."""

from uuid import UUID

from order_service.domain.actor import Actor, ActorKind, Scope
from order_service.domain.errors import NotAllowed


def require_may_read(by: Actor, account_id: UUID) -> None:
    """Its holder, and admins. Raises InsufficientScope, NotAllowed."""
    by.require(Scope.ACCOUNTS_READ)
    if account_id != by.id:
        require_admin(by, "read the accounts of others", scope=Scope.ACCOUNTS_READ)


def require_admin(by: Actor, what: str, *, scope: Scope) -> None:
    """Whoever looks after accounts (see `Actor`). Raises InsufficientScope, NotAllowed."""
    by.require(scope)
    if not by.looks_after_accounts:
        raise NotAllowed(f"A {by.kind} may not {what}.")


def require_operator(by: Actor, *, scope: Scope) -> None:
    """Staff, and whoever runs the service. Raises InsufficientScope, NotAllowed."""
    by.require(scope)
    if not (by.is_staff or by.kind is ActorKind.SYSTEM):
        raise NotAllowed(f"A {by.kind} may not look after the machinery.")
