"""Change an e-mail address."""

from dataclasses import dataclass

from order_service.domain.account import Account, normalized_email
from order_service.use_cases.change_account import AccountChange, ChangeAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEmailCommand(AccountChange):
    email: str


class ChangeEmail:
    """The holder of an account, who must know the password: whoever has the address can ask for the account.

    The address that the account has already changes nothing. Raises InvalidField, also for a wrong current password;
    InsufficientScope, EmailTaken, VersionMismatch, AccountNotFound, AccountChangedMeanwhile, RateLimited.
    """

    def __init__(self, change_account: ChangeAccount) -> None:
        self._change_account = change_account

    async def __call__(self, command: ChangeEmailCommand) -> Account:
        email = normalized_email(command.email)
        proven = await self._change_account.proven(command)
        return await self._change_account(
            command, proven, lambda account, at: account.change_email(email, by=command.by.actor, at=at)
        )
