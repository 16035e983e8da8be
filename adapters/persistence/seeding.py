"""Very many orders at once, with their whole log: to try lists, checks and restores on, never in production."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import Text, exists, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.event_log import THIS_CLUSTER, lease_of
from adapters.persistence.failures import in_domain_words
from adapters.persistence.leases import lease
from adapters.persistence.seeding_lives import MOST_LINES, Template, templates
from adapters.persistence.tables import orders, relay_cursor
from order_service.domain.ids import ORDER_NUMBER_BITS, order_number

_BATCH = 5_000
_AT_ONCE = 2
_YEAR = timedelta(days=365)
_LONGEST_LIFE = timedelta(days=1)

_OLD, _LEFT_OVER = 0.8, 0.02
"""So many of the orders are old, and of those hardly any is not over yet: as in a shop, status goes with age."""

_ORDER_COLUMNS = [column.name for column in orders.columns]
_EVENT_COLUMNS = [
    "tx_id", "id", "aggregatetype", "aggregateid", "seq", "type", "payload", "headers", "occurred_at",
]  # fmt: skip


class OrdersExist(Exception):
    def __init__(self) -> None:
        super().__init__(
            "There are orders in this database, and seeded ones could never be told from them again. If it is one to "
            "try things on, say --beside-existing-orders."
        )


async def seed(
    engine: AsyncEngine,
    number: int,
    *,
    customers: int,
    reader: str,
    until: datetime,
    beside_existing: bool = False,
    random_seed: int = 0,
) -> AsyncIterator[int]:
    """Makes `number` orders of the year before `until`; gives how many there are after each step. Raises OrdersExist.

    They are of many customers, a few of whom order very much; no customer has an account. Their events take places
    in the log that lie before those of all real transactions, and the cursor of `reader` is moved behind these, so
    that it does not tell of them. Waits until nobody reads by that name.
    """
    with in_domain_words():
        async with engine.connect() as connection:
            if not beside_existing and await connection.scalar(select(exists(select(orders.c.id)))):
                raise OrdersExist
        await _move_cursor(engine, reader)
        random = Random(f"{random_seed} {until}")  # noqa: S311 - nothing here is a secret
        ids = [_uuid7(until - _YEAR, random) for _ in range(customers)]
        rows = _rows(number, ids, until, random)
        done = 0
        while batches := [batch for _ in range(_AT_ONCE) if (batch := _next(rows))]:
            await asyncio.gather(*(_copy(engine, batch) for batch in batches))
            done += sum(map(len, batches))
            yield done
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("VACUUM (ANALYZE) orders"))  # as autovacuum would, sooner or later
            await connection.execute(text("ANALYZE order_events"))


async def _move_cursor(engine: AsyncEngine, reader: str) -> None:
    one_by_one = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with lease(one_by_one, lease_of(reader)) as connection:
        behind_transaction_0 = {"tx_id": 0, "position": 2**63 - 1, "system_identifier": THIS_CLUSTER}
        moved = insert(relay_cursor).values(name=reader, **behind_transaction_0)
        await connection.execute(
            moved.on_conflict_do_update(
                index_elements=["name"],
                set_=behind_transaction_0,
                where=sql_cast(relay_cursor.c.tx_id, Text) == "0",
            )
        )


async def _copy(engine: AsyncEngine, batch: Sequence[tuple[Any, list[Any]]]) -> None:
    async with engine.begin() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await connection.execute(select(1))  # SQLAlchemy begins the transaction with the first statement
        await driver.copy_records_to_table("orders", columns=_ORDER_COLUMNS, records=[order for order, _ in batch])
        events = [event for _, events in batch for event in events]
        await driver.copy_records_to_table("order_events", columns=_EVENT_COLUMNS, records=events)


def _next(rows: Iterator[tuple[Any, list[Any]]]) -> list[tuple[Any, list[Any]]]:
    return list(islice(rows, _BATCH))


def _rows(
    number: int, customers: Sequence[str], until: datetime, random: Random
) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Each order's row, and those of its events; the first order is of the rare template, however few there are."""
    known = templates(random)
    young = [template.weight for template in known]
    old = [template.weight * (1 if template.is_over else _LEFT_OVER) for template in known]
    first, step = until - _YEAR - _LONGEST_LIFE, _YEAR / max(number, 1)
    n_old = int(number * _OLD)
    drawn = random.choices(known, old, k=n_old) + random.choices(known, young, k=number - n_old)
    for i, template in enumerate([known[0], *drawn[1:]]):
        placed_at = first + i * step
        customer = customers[int(len(customers) * random.random() ** 3)]
        yield _filled(template, placed_at, customer, random)


def _filled(
    template: Template, placed_at: datetime, customer: str, random: Random
) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    order_id = _uuid7(placed_at, random)
    texts = {"id": order_id, "customer": customer, "number": order_number(random.getrandbits(ORDER_NUMBER_BITS))}
    texts |= {f"line{i}": _uuid7(placed_at, random) for i in range(MOST_LINES)}
    times = {f"t{minutes}": placed_at + timedelta(minutes=minutes) for minutes in template.minutes}
    texts |= {name: time.isoformat().replace("+00:00", "Z") for name, time in times.items()}
    row = tuple(
        times.get(value[2:-2], value % texts) if isinstance(value, str) and "%" in value else value
        for value in template.row.values()
    )
    events = [
        (0, _uuid7(times[at[2:-2]], random), "order", order_id, seq, kind, payload % texts, "{}", times[at[2:-2]])
        for seq, kind, payload, at in template.events
    ]
    return row, events


def _uuid7(at: datetime, random: Random) -> str:
    bits = random.getrandbits(74)
    value = int(at.timestamp() * 1000) << 80 | 7 << 76 | bits >> 62 << 64 | 2 << 62 | bits & (2**62 - 1)
    digits = f"{value:032x}"  # str(UUID(...)) takes three times as long
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
