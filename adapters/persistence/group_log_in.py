"""Group log-in: those who log in at the same time begin their sessions by one statement.

It waits for nobody: whose account is locked, has changed or is gone is left out, and goes the long way, in a
transaction of their own, where it is found out what is the matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.gathering import Gathering
from adapters.persistence.driver import driver
from adapters.persistence.tables import sessions
from adapters.persistence.unnested import read_from, sent_as, values_of

_MOST = 64
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class StagedSession:
    """`row`: of the session; `account_version`: at which its account must be."""

    row: Mapping[str, Any]
    account_version: int


class GroupLogIn:
    """Gives False for a session that was not written."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._begin = Gathering(self._begun, most=_MOST, at_once=_AT_ONCE)

    async def __call__(self, session: StagedSession) -> bool:
        return await self._begin(session)

    async def close(self) -> None:
        await self._begin.close()

    async def _begun(self, staged: Sequence[StagedSession]) -> Sequence[bool]:
        values = [values_of(column, [one.row for one in staged]) for column in sessions.c]
        async with driver(self._engine) as connection:
            rows = await connection.fetch(_BEGIN, *values, [one.account_version for one in staged])
        written = {row["id"] for row in rows}
        return [one.row["id"] in written for one in staged]


_names = ", ".join(column.name for column in sessions.c)
_types = [*(sent_as(column) for column in sessions.c), "integer"]

_BEGIN = f"""
WITH staged AS MATERIALIZED (
  SELECT * FROM unnest({", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_types, start=1))})
    AS one ({_names}, account_version)
),
held AS MATERIALIZED (
  SELECT id, version FROM accounts WHERE id IN (SELECT account_id FROM staged) AND erased_at IS NULL
  FOR SHARE SKIP LOCKED
)
INSERT INTO sessions ({_names})
SELECT {", ".join(read_from("staged", column) for column in sessions.c)} FROM staged
WHERE (account_id, account_version) IN (SELECT id, version FROM held)
RETURNING id"""
