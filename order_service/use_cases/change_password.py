"""Change a password."""

from dataclasses import dataclass, field

from order_service.domain.account import checked_password
from order_service.domain.actor import Bearer, Scope
from order_service.domain.errors import AccountNotFound, InvalidField
from order_service.ports import Clock, PasswordHasher, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordCommand:
    by: Bearer
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)


class ChangePassword:
    """The holder of an account, who must know the password still. Every other session of theirs ends.

    Raises InsufficientScope, and InvalidField, also for a wrong current password.
    """

    def __init__(self, transactions: Transactions, passwords: PasswordHasher, clock: Clock) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._clock = clock

    async def __call__(self, command: ChangePasswordCommand) -> None:
        command.by.actor.require(Scope.ACCOUNTS_WRITE)
        account_id = command.by.actor.id
        if account_id is None:
            raise AccountNotFound
        new_password = checked_password(command.new_password, field="new_password")
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(account_id)
        if not await self._passwords.verify(command.current_password, account.password_hash):
            raise InvalidField("current_password", "is not the password of this account.")
        new_hash = await self._passwords.hash(new_password)
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(account_id)
            account.password_hash = new_hash
            tx.accounts.save(account)
            for session in await tx.sessions.of(account_id):
                if session.id != command.by.session_id:
                    session.end(self._clock.now())
                    tx.sessions.save(session)
            await tx.commit()
