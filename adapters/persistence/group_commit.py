"""Group commit: what several requests have staged at the same time is written by one statement.

Nearly every change is of one order: its row, its events, the record of an idempotency key or of a message, and an
account that is to stay. One statement writes all of that for up to 64 new orders, another for up to 64 changed ones,
and waits for nobody: what is locked, at another version, known already, or without its account is left out, whole,
and its own request is told so. That one then goes the long way, in a transaction of its own, where it may wait, and
where it is found out what is the matter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.gathering import Gathering
from adapters.persistence.driver import driver
from adapters.persistence.halving import in_halves
from adapters.persistence.tables import order_events, orders
from adapters.persistence.unnested import read_from, sent_as, values_of

_MOST = 64
_AT_ONCE = 2

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StagedOrder:
    """Of one order; `loaded_version` is 0 for a new one.

    `kept`: the account that must be there still. `answered`: of the request with a key that this is the answer to;
    `heard`: of the message that this is the effect of. Of a new order there is no `heard`, and never are there both.
    """

    order: Row
    loaded_version: int
    events: Sequence[Row]
    kept: UUID | None = None
    answered: Row | None = None
    heard: Row | None = None


class GroupCommit:
    """Gives False for a change of which nothing was written; what the database refuses as a whole it is not."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._place = Gathering(self._placed, most=_MOST, at_once=_AT_ONCE)
        self._change = Gathering(self._changed, most=_MOST, at_once=_AT_ONCE)

    async def __call__(self, change: StagedOrder) -> bool:
        return await (self._change if change.loaded_version else self._place)(change)

    async def close(self) -> None:
        await self._place.close()
        await self._change.close()

    async def _placed(self, changes: Sequence[StagedOrder]) -> Sequence[bool]:
        return await in_halves(partial(self._written, _PLACE), changes, refused=_nothing)

    async def _changed(self, changes: Sequence[StagedOrder]) -> Sequence[bool]:
        first = _first_of_each(changes)
        written = await in_halves(partial(self._written, _CHANGE), first, refused=_nothing)
        done = {id(change) for change, is_written in zip(first, written, strict=True) if is_written}
        return [id(change) in done for change in changes]

    async def _written(self, statement: str, changes: Sequence[StagedOrder]) -> Sequence[bool]:
        async with driver(self._engine) as connection:
            written = {row["id"] for row in await connection.fetch(statement, *_arguments(changes))}
        return [change.order["id"] in written for change in changes]


def _nothing(_: asyncpg.PostgresError) -> bool:
    """Was written: why, is found out the long way."""
    return False


def _first_of_each(changes: Sequence[StagedOrder]) -> Sequence[StagedOrder]:
    """The second of two changes of one order, or by one message, comes too late."""
    first: list[StagedOrder] = []
    known: set[object] = set()
    for change in changes:
        names: set[object] = {change.order["id"]}
        if change.heard is not None:
            names.add(tuple(change.heard.values()))
        if known.isdisjoint(names):
            first.append(change)
            known |= names
    return first


_COLUMNS: Sequence[Column[Any]] = list(orders.c)
_EVENT_NAMES = ("id", "aggregateid", "seq", "type", "payload", "headers", "occurred_at")
_EVENT_COLUMNS = [order_events.c[name] for name in _EVENT_NAMES]


def _arguments(changes: Sequence[StagedOrder]) -> Iterator[Sequence[Any]]:
    """A list for each parameter of the statements, in their order."""
    for column in _COLUMNS:
        yield values_of(column, [change.order for change in changes])
    yield [change.loaded_version for change in changes]
    yield [change.kept for change in changes]
    for part in ("subject", "key", "fingerprint"):
        yield [None if change.answered is None else change.answered[part] for change in changes]
    for part in ("consumer", "message_id"):
        yield [None if change.heard is None else change.heard[part] for change in changes]
    for column in _EVENT_COLUMNS:
        yield [event[column.name] for change in changes for event in change.events]
    yield [change.loaded_version for change in changes for _ in change.events]


_STAGED = [*(sent_as(column) for column in _COLUMNS), "integer", "uuid", "uuid", "text", "bytea", "text", "text"]
_TOLD = [*(sent_as(column) for column in _EVENT_COLUMNS), "integer"]
_PARAMETERS = [f"${number}::{kind}[]" for number, kind in enumerate([*_STAGED, *_TOLD], start=1)]

_names = ", ".join(column.name for column in _COLUMNS)
_event_names = ", ".join(column.name for column in _EVENT_COLUMNS)

# Who has the same key, or something else that must be there once, in a transaction that has not ended is waited for,
# but not for long: then the group is refused, and taken apart. Else nothing here waits.
_SOUND = f"""
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '100ms', true)),
staged AS MATERIALIZED (
  SELECT change.* FROM patience, unnest({", ".join(_PARAMETERS[: len(_STAGED)])})
    AS change ({_names}, loaded_version, kept, subject, key, fingerprint, consumer, message_id)
),
kept AS MATERIALIZED (
  SELECT id FROM accounts WHERE id = ANY ({_PARAMETERS[len(_COLUMNS) + 1]}) AND erased_at IS NULL
  FOR KEY SHARE SKIP LOCKED
)"""

_ANSWERED = """
answered AS (
  INSERT INTO idempotency (subject, key, fingerprint, order_id, version)
  SELECT subject, key, fingerprint, id, version FROM sound WHERE key IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING order_id
),
new AS MATERIALIZED (
  SELECT * FROM sound WHERE key IS NULL OR id IN (SELECT order_id FROM answered)
)"""

_HEARD = """
heard AS (
  INSERT INTO inbox (consumer, message_id)
  SELECT consumer, message_id FROM new WHERE consumer IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING consumer, message_id
),
ready AS MATERIALIZED (
  SELECT * FROM new WHERE consumer IS NULL OR (consumer, message_id) IN (SELECT consumer, message_id FROM heard)
)"""

# Of the id of the transaction see orders.py. A new order has no event before.
_LATER_OF_BOTH = """greatest(pg_current_xact_id(), (
      SELECT before.tx_id FROM order_events AS before
      WHERE before.aggregateid = event.aggregateid AND before.seq = event.loaded_version
    ))"""


def _tell(tx_id: str) -> str:
    return f"""
told AS (
  INSERT INTO order_events (tx_id, aggregatetype, {_event_names})
  SELECT
    {tx_id}, 'order', {", ".join(read_from("event", column) for column in _EVENT_COLUMNS)}
  FROM unnest({", ".join(_PARAMETERS[len(_STAGED) :])})
    WITH ORDINALITY AS event ({_event_names}, loaded_version, number)
  WHERE event.aggregateid IN (SELECT id FROM written)
  ORDER BY event.number
)
SELECT id FROM written"""


_PLACE = f"""{_SOUND},
sound AS MATERIALIZED (SELECT * FROM staged WHERE kept IS NULL OR kept IN (SELECT id FROM kept)),{_ANSWERED},
written AS (
  INSERT INTO orders ({_names})
  SELECT {", ".join(read_from("new", column) for column in _COLUMNS)} FROM new
  RETURNING id
),{_tell("pg_current_xact_id()")}"""

_CHANGE = f"""{_SOUND},
sound AS MATERIALIZED (
  SELECT staged.* FROM staged JOIN orders ON orders.id = staged.id AND orders.version = staged.loaded_version
  WHERE staged.kept IS NULL OR staged.kept IN (SELECT id FROM kept)
  FOR NO KEY UPDATE OF orders SKIP LOCKED
),{_ANSWERED},{_HEARD},
written AS (
  UPDATE orders SET {", ".join(f"{c.name} = {read_from('ready', c)}" for c in _COLUMNS if not c.primary_key)}
  FROM ready WHERE orders.id = ready.id
  RETURNING orders.id
),{_tell(_LATER_OF_BOTH)}"""
