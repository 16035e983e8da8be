"""Give an account another role."""

from order_service.domain.account import Account, normalized_email
from order_service.domain.actor import Role
from order_service.domain.errors import AccountNotFound
from order_service.ports import Clock, Transactions


class SetRole:
    """Whoever runs the service, by the account's address. Raises InvalidField, AccountNotFound.

    Every session of the account ends: an access token still says the role from before.
    """

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def __call__(self, email: str, role: Role) -> Account:
        """The account as it is now; nothing happens if it has the role already."""
        async with self._transactions.begin() as tx:
            account = await tx.accounts.by_email(normalized_email(email))
            if account is None:
                raise AccountNotFound
            if account.role is role:
                return account
            account.role = role
            tx.accounts.save(account)
            for session in await tx.sessions.of(account.id):
                session.end(self._clock.now())
                tx.sessions.save(session)
            await tx.commit()
        return account
