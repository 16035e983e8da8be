"""Go on with a session: a refresh token for new tokens."""

from order_service.domain.errors import AccountNotFound, InvalidRefreshToken, SessionNotFound
from order_service.domain.session import read_refresh_token, refresh_token
from order_service.ports import Clock, Ids, Tokens, Transactions
from order_service.use_cases.log_in import LoggedIn


class RefreshSession:
    """Whoever has the newest refresh token of a session, once. The role is the account's of this moment.

    `scope` may ask for fewer scopes than the log-in had, for the new access token alone. A refresh token that was
    used before ends its session. Raises InvalidRefreshToken; InvalidScope, which leaves the token as good as it was.
    """

    def __init__(self, transactions: Transactions, tokens: Tokens, clock: Clock, ids: Ids) -> None:
        self._transactions = transactions
        self._tokens = tokens
        self._clock = clock
        self._ids = ids

    async def __call__(self, token: str, *, scope: str = "") -> LoggedIn:
        known = read_refresh_token(token)
        if known is None:
            raise InvalidRefreshToken
        session_id, secret = known
        successor, now = self._ids.new_secret(), self._clock.now()
        async with self._transactions.begin() as tx:
            try:
                session = await tx.sessions.get(session_id)
                account = await tx.accounts.get(session.account_id)
            except (SessionNotFound, AccountNotFound):
                raise InvalidRefreshToken from None
            refreshed = session.refresh(secret, successor=successor, at=now)
            actor = session.confined(account.actor)
            if refreshed:
                actor = actor.confined_to(scope)
            tx.sessions.save(session)
            await tx.commit()
        if not refreshed:
            raise InvalidRefreshToken
        return LoggedIn(
            access_token=self._tokens.issue(actor, at=now, session_id=session_id),
            refresh_token=refresh_token(session_id, successor),
            lifetime=self._tokens.lifetime,
            scopes=actor.scopes,
        )
