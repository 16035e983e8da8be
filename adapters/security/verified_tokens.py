"""A short memory of tokens whose signature was verified, because most come again within the minute."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from order_service.domain.actor import Bearer

_FOR = timedelta(seconds=60)
_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """What stands in it. It holds until `bearer.expires_at`, and not before `holds_from`, in seconds since 1970."""

    bearer: Bearer
    holds_from: int


class VerifiedTokens:
    """Knows each for a minute, by its digest, and at most 10,000: the first to come is the first to go.

    It is as old as the keys that verified them: other keys, another memory. Whether a token holds still, and whether
    its session has ended, is asked of a remembered one, too.
    """

    def __init__(self) -> None:
        self._tokens: dict[bytes, tuple[datetime, VerifiedToken]] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, token: str, *, at: datetime) -> VerifiedToken | None:
        since, known = self._tokens.get(_digest(token), (at, None))
        return known if timedelta(0) <= at - since < _FOR else None  # or else somebody has set the clock back

    def remember(self, token: str, verified: VerifiedToken, *, at: datetime) -> None:
        digest = _digest(token)
        self._tokens.pop(digest, None)  # to its end, when it is there
        self._tokens[digest] = (at, verified)
        while len(self._tokens) > _MOST:
            del self._tokens[next(iter(self._tokens))]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
