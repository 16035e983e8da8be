"""What only they may do who look after the accounts of others."""

from order_service.domain.actor import Actor, ActorKind, Scope
from order_service.domain.errors import NotAllowed


def require_admin(by: Actor, what: str, *, scope: Scope) -> None:
    """Admins, and the service itself, as which whoever runs it acts. Raises InsufficientScope, NotAllowed."""
    by.require(scope)
    if by.kind not in {ActorKind.ADMIN, ActorKind.SYSTEM}:
        raise NotAllowed(f"A {by.kind} may not {what}.")
