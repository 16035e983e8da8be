"""How often a password may be guessed: so often, from however many addresses."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from order_service.domain.errors import RateLimited, TooBusy
from order_service.ports import KnownOrigins, Quota, RateLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessingRules:
    """`wrong_per_hour`: wrong tries at one e-mail address. `key` makes names of which nobody can tell the address."""

    wrong_per_hour: int = 20
    origin_known_for: timedelta = timedelta(days=30)
    key: bytes = field(repr=False)


class Guessing:
    """Stands before each comparison with a password, whichever door it is tried at.

    All addresses together have one allowance at an e-mail address, whether or not it has an account. An address from
    which its holder came in lately has one of its own, so that nobody locks them out there by guessing elsewhere.
    From a new address the holder shares the allowance of those who guess: while they do, it may take until they stop,
    and then no longer than a try takes to be given back (an hour, divided by `wrong_per_hour`).

    A try counts as wrong until it turns out to be right, so many at once are no way around.
    """

    def __init__(self, limiter: RateLimiter, origins: KnownOrigins, rules: GuessingRules) -> None:
        self._limiter = limiter
        self._origins = origins
        self._rules = rules
        hour, limit = timedelta(hours=1), rules.wrong_per_hour
        self._from_anywhere = Quota(name="guesses", limit=limit, window=hour, guards_secrets=True)
        self._from_known = Quota(name="guesses-from-known", limit=limit, window=hour, guards_secrets=True)

    async def check(self, email: str, origin: str, is_right: Callable[[], Awaitable[bool]]) -> bool:
        """What `is_right` says; it is not asked once too many were wrong. Raises RateLimited.

        `origin` stands for the address it came from, `email` is as accounts keep it.
        """
        place = self._name_of(email, origin)
        if await self._origins.has(place):
            quota, subject = self._from_known, place
        else:
            quota, subject = self._from_anywhere, self._name_of(email)
        allowance = await self._limiter.take(quota, subject)
        if not allowance.allowed:
            raise RateLimited(allowance.retry_after)
        try:
            right = await is_right()
        except TooBusy:  # nothing was compared
            await self._limiter.give_back(quota, subject)
            raise
        if right:
            await self._limiter.give_back(quota, subject)
            await self._origins.remember(place, lifetime=self._rules.origin_known_for)
        return right

    def _name_of(self, *parts: str) -> str:
        return hmac.digest(self._rules.key, "\0".join(parts).encode(), "sha256").hex()
