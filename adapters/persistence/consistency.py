"""Whether the orders in the database keep the invariants of the domain, asked of the database alone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.consistency_queries import QUERIES
from adapters.persistence.failures import in_domain_words

_BODIES = """
    WITH orders AS (
        SELECT id, number, customer_id, status, processing_status, payment_status, fulfillment_status, return_status,
               currency, total, external_ref, metadata, skus, pay_by, placed_at, updated_at, version,
               body::jsonb AS body
        FROM orders OFFSET 0
    )"""
"""Before each of the queries: read once, a body can be searched. OFFSET keeps it from being read for each mention."""


@dataclass(frozen=True, slots=True)
class Broken:
    """`order_id` is None for what is wrong with no single order."""

    order_id: UUID | None
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    invariant: str
    broken: list[Broken]
    seconds: float


async def check(engine: AsyncEngine) -> AsyncIterator[Finding]:
    """A finding per invariant, in their order, all of one moment, however long it takes and whoever writes meanwhile.

    Takes no lock and no transaction id, so it holds up neither writers nor the relay.
    """
    one_moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with in_domain_words():
        async with one_moment.connect() as connection:
            for invariant, query in QUERIES.items():
                began = monotonic()
                broken = await _broken(connection, query)
                yield Finding(invariant, broken, monotonic() - began)


async def _broken(connection: AsyncConnection, query: str) -> list[Broken]:
    """What cannot even be computed (an amount that is no number, say) is broken as well."""
    try:
        async with connection.begin_nested():
            rows: Sequence[Any] = (await connection.exec_driver_sql(_BODIES + query)).all()  # house: constants
    except DBAPIError as error:
        if not str(getattr(error.orig, "sqlstate", "")).startswith("22"):  # data exception
            raise
        return [Broken(None, f"cannot be checked: {error.orig}")]
    return [Broken(order_id, what) for order_id, what in rows]
