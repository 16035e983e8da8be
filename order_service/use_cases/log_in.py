"""Log in: an e-mail address and a password for tokens."""

from dataclasses import dataclass, field
from datetime import timedelta

from order_service.domain.account import Account, normalized_email
from order_service.domain.actor import Role
from order_service.domain.errors import AccountNotFound, InvalidCredentials, InvalidField
from order_service.domain.session import Session, refresh_token
from order_service.ports import Clock, Ids, PasswordHasher, Tokens, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInCommand:
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """`lifetime` is the access token's."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lifetime: timedelta
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """`lifetime` runs from the log-in: then the password is asked for again."""

    lifetime: timedelta = timedelta(days=30)


class LogIn:
    """Anyone may try. Raises InvalidCredentials, after the same time for an unknown address and a wrong password.

    Begins a session. A password that was hashed in a weaker way than now is hashed again.
    """

    def __init__(
        self,
        transactions: Transactions,
        passwords: PasswordHasher,
        tokens: Tokens,
        clock: Clock,
        ids: Ids,
        rules: SessionRules,
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._tokens = tokens
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def __call__(self, command: LogInCommand) -> LoggedIn:
        account = await self._account(command)
        new_hash = None
        if self._passwords.is_outdated(account.password_hash):
            new_hash = await self._passwords.hash(command.password)
        now, secret = self._clock.now(), self._ids.new_secret()
        session = Session.begin(
            id=self._ids.new(), account_id=account.id, secret=secret, at=now, lifetime=self._rules.lifetime
        )
        async with self._transactions.begin() as tx:
            try:
                await tx.accounts.keep(account.id)
            except AccountNotFound:
                raise InvalidCredentials from None
            tx.sessions.add(session)
            if new_hash is not None:
                account.password_hash = new_hash
                tx.accounts.save(account)
            await tx.commit()
        return LoggedIn(
            access_token=self._tokens.issue(account, at=now, session_id=session.id),
            refresh_token=refresh_token(session.id, secret),
            lifetime=self._tokens.lifetime,
            role=account.role,
        )

    async def _account(self, command: LogInCommand) -> Account:
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
        return account
