"""Log in: an e-mail address and a password for tokens."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from order_service.domain.account import Account, normalized_email
from order_service.domain.actor import Scope
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound, InvalidCredentials, InvalidField
from order_service.domain.passwords import prepared
from order_service.domain.session import Session, refresh_token
from order_service.ports import Clock, Ids, PasswordHasher, Tokens, Transactions
from order_service.use_cases.guessing import Guessing
from order_service.use_cases.known_password import is_password_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInCommand:
    """`origin` stands for the address that it came from.

    `scope`: all that the tokens are wanted for, separated by spaces; empty for all that there is.
    """

    email: str
    password: str = field(repr=False)
    origin: str
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """`lifetime` is the access token's. A service gets no `refresh_token`: it is empty."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lifetime: timedelta
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """`lifetime` runs from the log-in: then the password is asked for again."""

    lifetime: timedelta = timedelta(days=30)


class LogIn:
    """Anyone may try. Raises InvalidCredentials, after the same time for an unknown address and a wrong password, and
    InvalidScope.

    After too many wrong passwords, of known and unknown addresses alike, RateLimited.
    Begins a session. A password that was hashed in a weaker way than now is hashed again.
    """

    def __init__(
        self,
        transactions: Transactions,
        passwords: PasswordHasher,
        guessing: Guessing,
        tokens: Tokens,
        clock: Clock,
        ids: Ids,
        rules: SessionRules,
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._guessing = guessing
        self._tokens = tokens
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def __call__(self, command: LogInCommand) -> LoggedIn:
        while True:
            with suppress(AccountChangedMeanwhile):
                return await self._begin(await self._account(command), command)

    async def _begin(self, known: Account, command: LogInCommand) -> LoggedIn:
        """Raises AccountChangedMeanwhile: since it was `known`."""
        actor = known.actor.confined_to(command.scope)
        is_outdated = self._passwords.is_outdated(known.password_hash)
        if is_outdated:
            known.password_hash = await self._passwords.hash(prepared(command.password))
        now, secret = self._clock.now(), self._ids.new_secret()
        session = Session.begin(
            id=self._ids.new(),
            account_id=known.id,
            secret=secret,
            at=now,
            lifetime=self._rules.lifetime,
            scopes=None if actor == known.actor else actor.scopes,
        )
        async with self._transactions.begin() as tx:
            # A change of password or role that ends all sessions must not miss the one that begins here.
            tx.sessions.add(session, of=known)
            if is_outdated:
                tx.accounts.save(known)
            try:
                await tx.commit()
            except AccountNotFound:
                raise InvalidCredentials from None
        return LoggedIn(
            access_token=self._tokens.issue(actor, at=now, session_id=session.id),
            refresh_token=refresh_token(session.id, secret),
            lifetime=self._tokens.lifetime,
            scopes=actor.scopes,
        )

    async def _account(self, command: LogInCommand) -> Account:
        try:
            email = normalized_email(command.email)
        except InvalidField as nobodys_address:  # and nobody's account: that it is told at once tells nothing
            raise InvalidCredentials from nobodys_address
        async with self._transactions.begin() as tx:
            account = await tx.accounts.by_email(email)
        is_right = await self._guessing.check(
            email, command.origin, lambda: is_password_of(account, command.password, self._passwords)
        )
        if account is None or not is_right:
            raise InvalidCredentials
        return account
