"""Erase an account, and what is personal in its orders."""

from dataclasses import dataclass, field
from uuid import UUID

from order_service.domain.account import normalized_email
from order_service.domain.actor import Bearer, Role
from order_service.domain.errors import AccountNotFound, InvalidField, LastAdmin, OrdersOpen
from order_service.ports import Clock, PasswordHasher, Transactions
from order_service.use_cases.finish_erasures import FinishErasures

_AT_ONCE = 200
"""Orders that whoever asks waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccountCommand:
    by: Bearer
    password: str = field(repr=False)


class EraseAccount:
    """The holder of an account, who must know the password still. There is no way back.

    The address and the password are forgotten, every session ends, and nobody can order for the account any more. The
    orders stay in the books, without external_ref, metadata, tracking numbers, notes and reasons, in their history
    too; of more than two hundred orders the rest follows within minutes.
    Raises OrdersOpen while an order is still going on, LastAdmin, and InvalidField for a wrong password.
    """

    def __init__(
        self, transactions: Transactions, passwords: PasswordHasher, finish: FinishErasures, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._finish = finish
        self._clock = clock

    async def __call__(self, command: EraseAccountCommand) -> None:
        account_id = command.by.actor.id
        if account_id is None:
            raise AccountNotFound
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(account_id)
        if not await self._passwords.verify(command.password, account.password_hash):
            raise InvalidField("password", "is not the password of this account.")
        await self._begin(account_id)
        await self._finish.of(account_id, limit=_AT_ONCE)

    async def by_email(self, email: str) -> int:
        """The same for whoever runs the service, without the password; how many orders were redacted: all of them."""
        async with self._transactions.begin() as tx:
            account = await tx.accounts.by_email(normalized_email(email))
        if account is None:
            raise AccountNotFound
        await self._begin(account.id)
        return await self._finish.of(account.id)

    async def _begin(self, account_id: UUID) -> None:
        """From here on it is finished in any case: by us, or by the scheduler."""
        async with self._transactions.begin() as tx:
            account = await tx.erasing.hold(account_id)
            if account.role is Role.ADMIN and not await tx.erasing.has_other_admin(account_id):
                raise LastAdmin
            open_orders = await tx.erasing.open_orders(account_id)
            if open_orders:
                raise OrdersOpen(open_orders)
            await tx.erasing.end_account(account_id, at=self._clock.now())
            await tx.commit()
