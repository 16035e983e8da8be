"""Log in: an e-mail address and a password for an access token."""

from dataclasses import dataclass, field
from datetime import timedelta

from order_service.domain.account import normalized_email
from order_service.domain.actor import Role
from order_service.domain.errors import InvalidCredentials, InvalidField
from order_service.ports import Clock, PasswordHasher, Tokens, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInCommand:
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    access_token: str = field(repr=False)
    lifetime: timedelta
    role: Role


class LogIn:
    """Anyone may try. Raises InvalidCredentials, after the same time for an unknown address and a wrong password."""

    def __init__(self, transactions: Transactions, passwords: PasswordHasher, tokens: Tokens, clock: Clock) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._tokens = tokens
        self._clock = clock

    async def __call__(self, command: LogInCommand) -> LoggedIn:
        try:
            email = normalized_email(command.email)
        except InvalidField as nobodys_address:
            raise InvalidCredentials from nobodys_address
        async with self._transactions.begin() as tx:
            account = await tx.accounts.by_email(email)
        known_hash = None if account is None else account.password_hash
        matches = await self._passwords.verify(command.password, known_hash)
        if account is None or not matches:
            raise InvalidCredentials
        return LoggedIn(
            access_token=self._tokens.issue(account, at=self._clock.now()),
            lifetime=self._tokens.lifetime,
            role=account.role,
        )
