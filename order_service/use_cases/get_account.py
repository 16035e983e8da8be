"""Read one's own account."""

from order_service.domain.account import Account
from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import AccountNotFound
from order_service.ports import Transactions


class GetAccount:
    """The holder of the token. Raises InsufficientScope, and AccountNotFound once the account is gone."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def __call__(self, by: Actor) -> Account:
        by.require(Scope.ACCOUNTS_READ)
        if by.id is None:
            raise AccountNotFound
        async with self._transactions.begin() as tx:
            return await tx.accounts.get(by.id)
