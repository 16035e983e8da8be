"""The `orders` rows, made again from the event log."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.column_types import JsonText
from adapters.persistence.documents import BY_DATABASE, order_from
from adapters.persistence.failures import in_domain_words
from adapters.persistence.orders import row_of
from adapters.persistence.tables import order_events, orders

_BATCH = 1000
_FIRST = UUID(int=0)


async def rebuild(engine: AsyncEngine, order_ids: Collection[UUID] | None = None) -> AsyncIterator[tuple[int, int]]:
    """Makes each row equal to what the order's newest event says: all orders of the log, or those that are named.

    Gives, after each batch, how many orders it looked at and how many rows it wrote. A row that is right is neither
    locked nor written; the wrong ones of a batch are locked and mended in one transaction: nobody's change is lost.
    A row of which the log knows nothing stays as it is.
    """
    here = _FIRST
    named = None if order_ids is None else sorted(order_ids)
    with in_domain_words():
        async with engine.connect() as connection:
            while batch := await _batch(connection, here) if named is None else named[:_BATCH]:
                here, named = batch[-1], named and named[_BATCH:]
                differing = [row["id"] for row in await _differing(connection, batch)]
                if differing:
                    locked = select(orders.c.id).where(orders.c.id.in_(differing)).order_by(orders.c.id)
                    await connection.execute(locked.with_for_update())
                    for row in await _differing(connection, differing):  # as they are now that nobody changes them
                        written = insert(orders).values(row)
                        await connection.execute(written.on_conflict_do_update(index_elements=["id"], set_=row))
                await connection.commit()
                yield len(batch), len(differing)


async def _batch(connection: AsyncConnection, after: UUID) -> Sequence[UUID]:
    ids = select(order_events.c.aggregateid).where(order_events.c.aggregateid > after)
    return (await connection.scalars(ids.distinct().order_by(order_events.c.aggregateid).limit(_BATCH))).all()


async def _differing(connection: AsyncConnection, order_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """The rows as they should be, of the orders whose row is another one, or none; in the order of their ids."""
    event = order_events.c
    newest = (
        select(event.aggregateid, func.max(event.seq).label("seq"))
        .where(event.aggregateid.in_(order_ids))
        .group_by(event.aggregateid)
        .subquery()
    )
    query = (
        select(func.jsonb_extract_path(event.payload, "order", type_=JsonText).label("snapshot"), orders)
        .select_from(newest)
        .join(order_events, (event.aggregateid == newest.c.aggregateid) & (event.seq == newest.c.seq))
        .outerjoin(orders, orders.c.id == event.aggregateid)
        .order_by(event.aggregateid)
    )
    found = (await connection.execute(query)).mappings().all()
    rows = [row_of(order_from(one["snapshot"]))[0] for one in found]
    return [
        row if _equal(row["body"], one["snapshot"]) else row | {"body": one["snapshot"], "body_format": BY_DATABASE}
        for row, one in zip(rows, found, strict=True)
        if any(_differ(name, row[name], one[name]) for name in row.keys() - {"body", "body_format"})
        or not _equal(one["body"], one["snapshot"])  # which may be of long ago, and is right even so
    ]


def _differ(name: str, rebuilt: Any, stored: Any) -> bool:
    if name == "metadata" and stored is not None:
        return not _equal(rebuilt, stored)
    return bool(rebuilt != stored)


def _equal(one: str, other: str) -> bool:
    return bool(json.loads(one) == json.loads(other))
