"""What many requests read one by one, read for all who ask at the same time."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.gathering import Gathering
from adapters.persistence.connecting import Around
from adapters.persistence.documents import Row
from adapters.persistence.driver import driver
from adapters.persistence.halving import in_halves
from order_service.ports import AnsweredRequest

_MOST = 100
_AT_ONCE = 2

_ROWS = "SELECT id, customer_id, version, body::text, body_format FROM orders WHERE id = ANY ($1::uuid[])"

_ACCOUNTS = "SELECT * FROM accounts WHERE email = ANY ($1::text[])"

_ANSWERED = """
SELECT subject, key, fingerprint, order_id, version FROM idempotency
WHERE (subject, key) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
"""

_HEARD = """
SELECT EXISTS (
  SELECT FROM inbox WHERE inbox.consumer = asked.consumer AND inbox.message_id = asked.message_id
)
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (consumer, message_id, place)
ORDER BY asked.place
"""

_PLACED = """
SELECT placed.number FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[])
  WITH ORDINALITY AS asked (customer_id, since, before, at_most, place)
CROSS JOIN LATERAL (
  SELECT count(*) AS number FROM (
    SELECT FROM orders
    WHERE orders.customer_id = asked.customer_id AND placed_at >= asked.since AND placed_at < asked.before
    LIMIT asked.at_most
  ) AS found
) AS placed
ORDER BY asked.place
"""

_SAME_LINES = """
SELECT EXISTS (
  SELECT FROM orders
  WHERE orders.customer_id = asked.customer_id AND placed_at >= asked.since AND placed_at < asked.before
    AND lines_fingerprint = asked.lines
)
FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bytea[])
  WITH ORDINALITY AS asked (customer_id, since, before, lines, place)
ORDER BY asked.place
"""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Read = Callable[[Asked], Awaitable[Answer]]

_Placed = tuple[UUID, datetime, datetime, int]
_SameLines = tuple[UUID, datetime, datetime, bytes]


class GatheredReads:
    """Each sees what was committed before it was asked for. Who has the same one shares round trips."""

    def __init__(self, engine: AsyncEngine, around: Around = nullcontext) -> None:
        self._engine = engine
        self._around = around
        self.order_row: Read[UUID, Row | None] = self._gathered("SELECT orders", partial(self._by, "id", _ROWS))
        """What is sent of an order, by its id; None if there is none."""
        self.account_row: Read[str, Row | None] = self._gathered(
            "SELECT accounts", partial(self._by, "email", _ACCOUNTS)
        )
        """By its e-mail address; None if there is none."""
        self.answered: Read[tuple[UUID, str], AnsweredRequest | None] = self._gathered(
            "SELECT idempotency", self._answered
        )
        """By subject and key; None if it is the first with this key."""
        self.heard: Read[tuple[str, str], bool] = self._gathered("SELECT inbox", partial(self._each, _HEARD))
        """By consumer and message id."""
        self.count_placed: Read[_Placed, int] = self._gathered("SELECT orders", partial(self._each, _PLACED))
        """By customer, since when and before when, counted no further than so many."""
        self.placed_same_lines: Read[_SameLines, bool] = self._gathered(
            "SELECT orders", partial(self._each, _SAME_LINES)
        )
        """By customer, since when and before when, and the fingerprint of the lines."""

    async def _by(self, column: str, statement: str, keys: Sequence[Any]) -> Sequence[Row | None]:
        """The row with each key in its `column`; None where there is none."""
        async with driver(self._engine) as connection:
            found: dict[Any, Row] = {row[column]: row for row in await connection.fetch(statement, keys)}
        return [found.get(key) for key in keys]

    async def _answered(self, keys: Sequence[tuple[UUID, str]]) -> Sequence[AnsweredRequest | None]:
        async with driver(self._engine) as connection:
            rows = await connection.fetch(_ANSWERED, [subject for subject, _ in keys], [key for _, key in keys])
        found = {
            (subject, key): AnsweredRequest(fingerprint=fingerprint, order_id=order_id, version=version)
            for subject, key, fingerprint, order_id, version in rows
        }
        return [found.get(key) for key in keys]

    async def _each(self, statement: str, asked: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """The one value of each row, of which there is one for each that is asked, in their order."""
        async with driver(self._engine) as connection:
            rows = await connection.fetch(statement, *map(list, zip(*asked, strict=True)))
        return [row[0] for row in rows]

    def _gathered(self, what: str, read: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> Read[Any, Any]:
        """Who cannot be answered is told why, and harms no other."""

        async def answers(asked: Sequence[Any]) -> Sequence[Any]:
            return await in_halves(read, asked, refused=lambda error: error)

        gathering: Gathering[Any, Any] = Gathering(answers, most=_MOST, at_once=_AT_ONCE)
        if self._around is nullcontext:
            return gathering

        async def watched(asked: Any) -> Any:
            with self._around(what):
                return await gathering(asked)

        return watched
