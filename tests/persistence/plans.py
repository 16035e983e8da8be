"""What the database does for a page of a list: the plan of the very statement that the views make."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.driver import driver
from adapters.persistence.order_pages import page_query
from adapters.persistence.seeding_lives import COMMON_SKU, RARE_SKU
from order_service.domain.lifecycle import (
    FulfillmentStatus,
    PaymentStatus,
    ProcessingStatus,
    ReturnStatus,
    Status,
)
from order_service.ports import OrderFilter, PageStart

PAGE = 20

_AXES: dict[str, Any] = {
    "status": Status,
    "processing_status": ProcessingStatus,
    "payment_status": PaymentStatus,
    "fulfillment_status": FulfillmentStatus,
    "return_status": ReturnStatus,
}
_SAMPLE = text("""
    SELECT (SELECT customer_id FROM orders GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS much,
           (SELECT customer_id FROM orders GROUP BY 1 ORDER BY count(*) LIMIT 1) AS little,
           min(placed_at) AS first, max(placed_at) AS last,
           percentile_disc(ARRAY[0.0001, 0.5, 0.9999]) WITHIN GROUP (ORDER BY total) AS totals
    FROM orders
""")
_ONE = text("""
    SELECT number, external_ref, metadata ->> 'cart' AS cart FROM orders
    WHERE external_ref IS NOT NULL AND metadata ? 'cart' ORDER BY id OFFSET 50 LIMIT 1
""")


async def filters(engine: AsyncEngine) -> dict[str, OrderFilter]:
    """Every filter that the API lists by, with values that few orders have and values that many have."""
    async with engine.connect() as connection:
        sample = (await connection.execute(_SAMPLE)).one()
        one = (await connection.execute(_ONE)).one()
    few, half, most = (Decimal(total) for total in sample.totals)
    day = timedelta(days=1)
    axes = {f"{axis} {value}": OrderFilter(**{axis: value}) for axis, values in _AXES.items() for value in values}
    return axes | {
        "nothing": OrderFilter(),
        "placed_from the first day": OrderFilter(placed_from=sample.first + day),
        "placed_from the last day": OrderFilter(placed_from=sample.last - day),
        "placed_to the first day": OrderFilter(placed_to=sample.first + day),
        "placed_to the last day": OrderFilter(placed_to=sample.last - day),
        "placed on a day": OrderFilter(placed_from=sample.first + 99 * day, placed_to=sample.first + 100 * day),
        "total_min of half of all": OrderFilter(total_min=half),
        "total_min of few": OrderFilter(total_min=most),
        "total_max of half of all": OrderFilter(total_max=half),
        "total_max of few": OrderFilter(total_max=few),
        "total_min of nothing": OrderFilter(total_min=Decimal(10**12)),
        "sku common": OrderFilter(sku=COMMON_SKU),
        "sku of one in 500": OrderFilter(sku="SKU-7"),
        "sku rare": OrderFilter(sku=RARE_SKU),
        "sku of nothing": OrderFilter(sku="NONE-SUCH"),
        "number": OrderFilter(number=one.number),
        "external_ref": OrderFilter(external_ref=one.external_ref),
        "metadata common": OrderFilter(metadata={"channel": "web"}),
        "metadata of one in 50": OrderFilter(metadata={"campaign": "spring"}),
        "metadata rare": OrderFilter(metadata={"cart": one.cart}),
        "metadata of nothing": OrderFilter(metadata={"none": "such"}),
        "customer_id of many orders": OrderFilter(customer_id=sample.much),
        "customer_id of few orders": OrderFilter(customer_id=sample.little),
        "customer_id and status": OrderFilter(customer_id=sample.much, status=Status.DELIVERED),
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """`rows`: how many were read from the table for the page; `pages`: 8 kB each."""

    indexes: frozenset[str]
    scans_table: bool
    milliseconds: float
    rows: int
    pages: int

    def __str__(self) -> str:
        how = "sequential scan" if self.scans_table else ", ".join(sorted(self.indexes))
        return f"{self.milliseconds:8.1f} ms {self.pages:8} pages  {how}"


async def plan_of(
    engine: AsyncEngine,
    wanted: OrderFilter,
    *,
    newest_first: bool,
    start: PageStart | None = None,
) -> Plan:
    query, values = page_query(wanted, start=start, limit=PAGE, newest_first=newest_first)
    return await _plan_of_text(engine, query, values)


async def plan_of_query(engine: AsyncEngine, statement: Select[Any]) -> Plan:
    query = statement.compile(dialect=engine.dialect)
    return await _plan_of_text(engine, str(query), [query.params[name] for name in query.positiontup or ()])


async def _plan_of_text(engine: AsyncEngine, query: str, values: Sequence[Any]) -> Plan:
    async with driver(engine) as connection:
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *values)
    told = (json.loads(found) if isinstance(found, str) else found)[0]
    nodes = list(_nodes(told["Plan"]))
    return Plan(
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        scans_table=any(node["Node Type"] == "Seq Scan" for node in nodes),
        milliseconds=told["Execution Time"] + told["Planning Time"],
        rows=sum(
            int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * int(node["Actual Loops"])
            for node in nodes
            if "Relation Name" in node
        ),
        pages=told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"],
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
