"""What many ask of PostgreSQL by one statement, of whom one may ask for what it refuses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from adapters.persistence.failures import means_gone

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


async def in_halves(
    do: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]],
    asked: Sequence[Asked],
    *,
    refused: Callable[[asyncpg.PostgresError], Answer],
) -> Sequence[Answer]:
    """As `do`; but of a group that is refused as a whole each half is tried, so one harms no other.

    `refused` gives the answer to the one who is refused alone. That the server is gone is nobody's fault, and raised.
    """
    try:
        return await do(asked)
    except asyncpg.PostgresError as error:
        if means_gone(error.sqlstate):
            raise
        if len(asked) == 1:
            return [refused(error)]
    middle = len(asked) // 2
    halves = asked[:middle], asked[middle:]
    return [answer for half in halves for answer in await in_halves(do, half, refused=refused)]
