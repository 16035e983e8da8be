"""What the changes of one's own account have in common: the version that is meant, and a password that is known."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from order_service.domain.account import Account
from order_service.domain.actor import Bearer, Scope
from order_service.domain.errors import AccountChangedMeanwhile, InvalidField, VersionMismatch
from order_service.ports import Clock, PasswordHasher, Transactions
from order_service.use_cases.end_session import end_every_session
from order_service.use_cases.guessing import Guessing
from order_service.use_cases.known_password import is_password_of

Change = Callable[[Account, datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """`expected_versions`: the change is meant for the account at one of these; None for whatever it is at.

    `origin` stands for the address that it came from.
    """

    by: Bearer
    current_password: str = field(repr=False)
    origin: str
    expected_versions: frozenset[int] | None = None


class ChangeAccount:
    """Commits account and events together, if the holder knew the password and the account is still the same."""

    def __init__(
        self, transactions: Transactions, passwords: PasswordHasher, guessing: Guessing, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._guessing = guessing
        self._clock = clock

    async def proven(self, wanted: AccountChange) -> Account:
        """The account before the change. Raises InsufficientScope, AccountNotFound, InvalidField, RateLimited,
        VersionMismatch.
        """
        wanted.by.actor.require(Scope.ACCOUNTS_WRITE)
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(wanted.by.actor.own_account)
        if not await self._guessing.check(
            account.email, wanted.origin, lambda: is_password_of(account, wanted.current_password, self._passwords)
        ):
            raise InvalidField("current_password", "is not the password of this account.")
        if wanted.expected_versions is not None and account.version not in wanted.expected_versions:
            raise VersionMismatch(account.version)
        return account

    async def __call__(
        self, wanted: AccountChange, proven: Account, change: Change, *, ends_other_sessions: bool = False
    ) -> Account:
        """Raises AccountChangedMeanwhile (since it was `proven`), and what the change itself raises."""
        async with self._transactions.begin() as tx:
            account = await tx.accounts.get(proven.id, lock=True)
            if account.version != proven.version:
                raise AccountChangedMeanwhile
            now = self._clock.now()
            change(account, now)
            if account.version == proven.version:
                return account
            tx.accounts.save(account)
            if ends_other_sessions:
                await end_every_session(tx, account.id, at=now, but=wanted.by.session_id)
            await tx.commit()
        return account
