"""Read an account."""

from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import AccountNotFound
from order_service.ports import Transactions
from order_service.use_cases.administration import require_admin


class GetAccount:
    """Its holder; admins, anybody's. Raises InsufficientScope, NotAllowed, and AccountNotFound once it is gone."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def __call__(self, account_id: UUID | None, *, by: Actor) -> Account:
        by.require(Scope.ACCOUNTS_READ)
        if account_id is None:
            raise AccountNotFound
        if account_id != by.id:
            require_admin(by, "read the accounts of others", scope=Scope.ACCOUNTS_READ)
        async with self._transactions.begin() as tx:
            return await tx.accounts.get(account_id)
