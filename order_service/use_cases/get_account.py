"""Read an account."""

from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.actor import Actor
from order_service.ports import Transactions
from order_service.use_cases.administration import require_may_read


class GetAccount:
    """Its holder; admins, anybody's. Raises InsufficientScope, NotAllowed, and AccountNotFound once it is gone."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def __call__(self, account_id: UUID, *, by: Actor) -> Account:
        require_may_read(by, account_id)
        async with self._transactions.begin() as tx:
            return await tx.accounts.get(account_id)
