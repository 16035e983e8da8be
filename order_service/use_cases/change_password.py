"""Change a password."""

from dataclasses import dataclass, field

from order_service.domain.account import checked_password
from order_service.domain.actor import Bearer
from order_service.domain.errors import AccountNotFound, InvalidField
from order_service.ports import Clock, PasswordHasher, Transactions
from order_service.use_cases.guessing import Guessing


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordCommand:
    """`origin` stands for the address that it came from."""

    by: Bearer
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)
    origin: str


class ChangePassword:
    """The holder of an account, who must know the password still. Every other session of theirs ends.

    Raises InvalidField, also for a wrong current password; after too many of those RateLimited, see `Guessing`.
    """

    def __init__(
        self, transactions: Transactions, passwords: PasswordHasher, guessing: Guessing, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._guessing = guessing
        self._clock = clock

    async def __call__(self, command: ChangePasswordCommand) -> None:
        account_id = command.by.actor.id
        if account_id is None:
            raise AccountNotFound
        new_password = checked_password(command.new_password, field="new_password")
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(account_id)
        known_hash = account.password_hash

        async def matches() -> bool:
            return await self._passwords.verify(command.current_password, known_hash)

        if not await self._guessing.check(account.email, command.origin, matches):
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
