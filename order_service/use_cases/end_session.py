"""Log out."""

from datetime import datetime
from uuid import UUID

from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import SessionNotFound
from order_service.domain.session import read_refresh_token
from order_service.ports import Clock, Transaction, Transactions


class EndSession:
    """Its owner, or whoever has a refresh token of it. Its access tokens hold for a second more, at most."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def __call__(self, session_id: UUID, *, by: Actor) -> None:
        """Ended already: nothing happens. Raises InsufficientScope, and SessionNotFound, also for somebody else's."""
        by.require(Scope.ACCOUNTS_WRITE)
        async with self._transactions.begin() as tx:
            session = await tx.sessions.get(session_id)
            if session.account_id != by.id:
                raise SessionNotFound
            session.end(self._clock.now())
            tx.sessions.save(session)
            await tx.commit()

    async def by_token(self, token: str) -> None:
        """What is no token of ours ends nothing, and nobody learns of it."""
        known = read_refresh_token(token)
        if known is None:
            return
        session_id, secret = known
        async with self._transactions.begin() as tx:
            try:
                session = await tx.sessions.get(session_id)
            except SessionNotFound:
                return
            if session.belongs_to(secret):
                session.end(self._clock.now())
                tx.sessions.save(session)
                await tx.commit()


async def end_every_session(tx: Transaction, account_id: UUID, *, at: datetime, but: UUID | None = None) -> None:
    """Stages the end of all sessions of the account, except the session `but`."""
    for session in await tx.sessions.of(account_id):
        if session.id != but:
            session.end(at)
            tx.sessions.save(session)
