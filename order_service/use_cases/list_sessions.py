"""See where one is logged in."""

from collections.abc import Sequence

from order_service.domain.actor import Actor, Scope
from order_service.domain.session import Session
from order_service.ports import Clock, Transactions


class ListSessions:
    """The holder of an account: their open sessions, the newest first. Raises InsufficientScope, AccountNotFound."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def __call__(self, *, by: Actor) -> Sequence[Session]:
        by.require(Scope.ACCOUNTS_READ)
        async with self._transactions.begin() as tx:
            sessions = await tx.sessions.all_of(by.own_account)
        return [session for session in sessions if session.is_open(self._clock.now())]
