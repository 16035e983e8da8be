"""What many requests read one by one, read for all who ask at the same time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.gathering import Gathering
from adapters.persistence.driver import driver
from order_service.ports import AnsweredRequest

_MOST = 100
_AT_ONCE = 2

_BODIES = "SELECT id, body::text FROM orders WHERE id = ANY ($1::uuid[])"

_ANSWERED = """
SELECT subject, key, fingerprint, order_id, version FROM idempotency
WHERE (subject, key) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
"""


class GatheredReads:
    """Each sees what was committed before it was asked for."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.order_body: Gathering[UUID, str | None] = Gathering(self._order_bodies, most=_MOST, at_once=_AT_ONCE)
        """The newest version's, by id; None if there is none."""
        self.answered: Gathering[tuple[UUID, str], AnsweredRequest | None] = Gathering(
            self._answered, most=_MOST, at_once=_AT_ONCE
        )
        """By subject and key; None if it is the first with this key."""

    async def _order_bodies(self, ids: Sequence[UUID]) -> Sequence[str | None]:
        async with driver(self._engine) as connection:
            found: dict[UUID, str] = {row["id"]: row["body"] for row in await connection.fetch(_BODIES, ids)}
        return [found.get(order_id) for order_id in ids]

    async def _answered(self, keys: Sequence[tuple[UUID, str]]) -> Sequence[AnsweredRequest | None]:
        async with driver(self._engine) as connection:
            rows = await connection.fetch(_ANSWERED, [subject for subject, _ in keys], [key for _, key in keys])
        found = {
            (subject, key): AnsweredRequest(fingerprint=fingerprint, order_id=order_id, version=version)
            for subject, key, fingerprint, order_id, version in rows
        }
        return [found.get(key) for key in keys]
