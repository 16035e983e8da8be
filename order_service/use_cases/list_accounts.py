"""List accounts, page by page."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from order_service.domain.account import normalized_email
from order_service.domain.actor import Actor, Scope
from order_service.ports import AccountFilter, AccountPage, AccountViews
from order_service.use_cases.administration import require_admin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountsQuery:
    """`start`: the last account of the page before."""

    by: Actor
    wanted: AccountFilter = field(default_factory=AccountFilter)
    start: UUID | None = None
    limit: int = 20


class ListAccounts:
    """Admins, and whoever runs the service; the newest accounts first. Raises InsufficientScope, NotAllowed,
    InvalidField.

    Pages are cut by place, not by number: an account that is registered meanwhile is neither skipped nor seen twice.
    """

    def __init__(self, views: AccountViews) -> None:
        self._views = views

    async def __call__(self, query: ListAccountsQuery) -> AccountPage:
        require_admin(query.by, "list accounts", scope=Scope.ACCOUNTS_READ)
        wanted = query.wanted
        if wanted.email is not None:
            wanted = replace(wanted, email=normalized_email(wanted.email))
        return await self._views.list(wanted, start=query.start, limit=query.limit)
