"""Erase an account, and what is personal in its orders."""

from order_service.domain.account import Account, normalized_email
from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound, LastAdmin, OrdersOpen
from order_service.ports import Clock, Transactions
from order_service.use_cases.change_account import AccountChange, ChangeAccount
from order_service.use_cases.finish_erasures import FinishErasures

_AT_ONCE = 200
"""Orders that whoever asks waits for."""


class EraseAccount:
    """The holder of an account, who must know the password still. There is no way back.

    The address and the password are forgotten, every session ends, and nobody can order for the account any more. The
    orders stay in the books, without external_ref, metadata, tracking numbers, notes and reasons, in their history
    too; of more than two hundred orders the rest follows within minutes.
    Raises OrdersOpen while an order is still going on, LastAdmin; InsufficientScope, RateLimited, AccountNotFound,
    AccountChangedMeanwhile, and InvalidField for a wrong password.
    """

    def __init__(
        self, transactions: Transactions, change_account: ChangeAccount, finish: FinishErasures, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._change_account = change_account
        self._finish = finish
        self._clock = clock

    async def __call__(self, wanted: AccountChange) -> None:
        account = await self._change_account.proven(wanted)
        await self._begin(account, by=wanted.by.actor)
        await self._finish.of(account.id, limit=_AT_ONCE)

    async def by_email(self, email: str) -> int:
        """The same for whoever runs the service, without the password; how many orders were redacted: all of them."""
        async with self._transactions.begin() as tx:
            account = await tx.accounts.by_email(normalized_email(email))
        if account is None:
            raise AccountNotFound
        await self._begin(account, by=SYSTEM)
        return await self._finish.of(account.id)

    async def _begin(self, known: Account, *, by: Actor) -> None:
        """From here on it is finished in any case: by us, or by the scheduler."""
        async with self._transactions.begin() as tx:
            account = await tx.erasing.hold(known.id)
            if account.version != known.version:
                raise AccountChangedMeanwhile
            if account.role is Role.ADMIN and not await tx.erasing.has_other_admin(account.id):
                raise LastAdmin
            open_orders = await tx.erasing.open_orders(account.id)
            if open_orders:
                raise OrdersOpen(open_orders)
            now = self._clock.now()
            account.erase(by=by, at=now)
            await tx.erasing.end_account(account, at=now)
            await tx.commit()
