"""Read an account's history."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.ports import AccountViews
from order_service.use_cases.administration import require_may_read
from order_service.use_cases.get_account import GetAccount
from order_service.views import EventView


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountEventsQuery:
    by: Actor
    account_id: UUID
    after_seq: int = 0
    limit: int = 100


class ListAccountEvents:
    """Whoever may read the account: who did what with it, and when; of an account that was erased, too.

    Raises InsufficientScope, NotAllowed, AccountNotFound.
    """

    def __init__(self, views: AccountViews, get_account: GetAccount) -> None:
        self._views = views
        self._get_account = get_account

    async def __call__(self, query: ListAccountEventsQuery) -> Sequence[EventView]:
        require_may_read(query.by, query.account_id)
        events = await self._views.events(query.account_id, after_seq=query.after_seq, limit=query.limit)
        if not events and not await self._views.events(query.account_id, after_seq=0, limit=1):
            await self._get_account(query.account_id, by=query.by)
        return events
