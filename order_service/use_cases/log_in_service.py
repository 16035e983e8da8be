"""Log another system in: its id and its secret for an access token."""

from dataclasses import dataclass, field
from uuid import UUID

from order_service.domain.errors import InvalidClient, ServiceNotFound
from order_service.ports import Clock, Tokens, Transactions
from order_service.use_cases.log_in import LoggedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInServiceCommand:
    """`scope`: all that the token is wanted for, separated by spaces; empty for all that there is."""

    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


class LogInService:
    """Any system may try. There is no refresh token: it comes again with its secret.

    Raises InvalidClient for an unknown id and a wrong secret alike, and InvalidScope.
    """

    def __init__(self, transactions: Transactions, tokens: Tokens, clock: Clock) -> None:
        self._transactions = transactions
        self._tokens = tokens
        self._clock = clock

    async def __call__(self, command: LogInServiceCommand) -> LoggedIn:
        try:
            async with self._transactions.begin() as tx:
                service = await tx.services.get(UUID(command.client_id))
        except (ValueError, ServiceNotFound):
            raise InvalidClient from None
        if not service.knows(command.client_secret):
            raise InvalidClient
        actor = service.actor.confined_to(command.scope)
        return LoggedIn(
            access_token=self._tokens.issue(actor, at=self._clock.now(), session_id=service.secret_id),
            refresh_token="",
            lifetime=self._tokens.lifetime,
            scopes=actor.scopes,
        )
