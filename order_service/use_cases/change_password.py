"""Change a password."""

from dataclasses import dataclass, field

from order_service.domain.passwords import checked_password
from order_service.ports import CommonPasswords, PasswordHasher
from order_service.use_cases.change_account import AccountChange, ChangeAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordCommand(AccountChange):
    new_password: str = field(repr=False)


class ChangePassword:
    """The holder of an account, who must know the password still. Every other session of theirs ends.

    Raises InsufficientScope; InvalidField, also for a wrong current password, and after too many of those
    RateLimited; AccountNotFound, AccountChangedMeanwhile.
    """

    def __init__(self, change_account: ChangeAccount, passwords: PasswordHasher, common: CommonPasswords) -> None:
        self._change_account = change_account
        self._passwords = passwords
        self._common = common

    async def __call__(self, command: ChangePasswordCommand) -> None:
        proven = await self._change_account.proven(command)
        new_password = checked_password(
            command.new_password, email=proven.email, is_common=self._common.has, field="new_password"
        )
        new_hash = await self._passwords.hash(new_password)
        await self._change_account(
            command,
            proven,
            lambda account, at: account.change_password(new_hash, by=command.by.actor, at=at),
            ends_other_sessions=True,
        )
