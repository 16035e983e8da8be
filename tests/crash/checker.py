"""Compares what the clients were told with what the tables say. Shares no code with the service: plain SQL."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncpg

from tests.crash.customers import Placing

ALL_PROCESSED = "SELECT count(*) = 0 FROM orders WHERE processing_status = 'QUEUED'"
ALL_RELAYED = """
    SELECT count(*) = 0 FROM order_events e
    WHERE NOT EXISTS (SELECT FROM relay_cursor c WHERE (e.tx_id, e.position) <= (c.tx_id, c.position))
"""
GAPS = """
    SELECT count(*) FROM orders o
    LEFT JOIN (SELECT aggregateid, array_agg(seq ORDER BY seq) AS seqs FROM order_events GROUP BY 1) e
        ON e.aggregateid = o.id
    WHERE e.seqs IS DISTINCT FROM (SELECT array_agg(n) FROM generate_series(1, o.version) n)
"""
DIFFERING_SNAPSHOTS = """
    SELECT count(*) FROM orders o JOIN order_events e ON e.aggregateid = o.id AND e.seq = o.version
    WHERE e.payload -> 'order' IS DISTINCT FROM o.body::jsonb
"""
ORPHANS = "SELECT count(*) FROM order_events e WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = e.aggregateid)"
AT_REST = {
    "events not relayed": """
        SELECT count(*) FROM order_events e
        WHERE NOT EXISTS (
            SELECT FROM relay_cursor c WHERE c.name = 'relay' AND (e.tx_id, e.position) <= (c.tx_id, c.position)
        )
    """,
    "cursor beyond the log": """
        SELECT count(*) FROM relay_cursor c
        WHERE NOT EXISTS (SELECT FROM order_events e WHERE (e.tx_id, e.position) = (c.tx_id, c.position))
    """,
    "not PROCESSED by one event": """
        SELECT count(*) FROM orders o
        WHERE o.processing_status <> 'PROCESSED' OR 1 <> (
            SELECT count(*) FROM order_events e WHERE e.aggregateid = o.id AND e.type = 'order.processed'
        )
    """,
    "columns that differ from the body": """
        SELECT count(*) FROM orders
        WHERE (id::text, number, customer_id::text, status, processing_status, version::text)
            IS DISTINCT FROM (body ->> 'id', body ->> 'number', body ->> 'customer_id', body ->> 'status',
                              body ->> 'processing_status', body ->> 'version')
            OR total IS DISTINCT FROM (body ->> 'total')::numeric
    """,
    "keys without their order": """
        SELECT count(*) FROM idempotency i
        WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = i.order_id AND o.customer_id = i.subject)
    """,
}
"""A broken promise each unless 0, where orders in EUR are placed and processed and nothing else, and all is quiet."""
EVENTS_PER_ORDER = """
    SELECT o.id, count(*) FILTER (WHERE e.type = 'order.placed') AS placed,
           count(*) FILTER (WHERE e.type IN ('order.processed', 'order.rejected')) AS processed
    FROM orders o LEFT JOIN order_events e ON e.aggregateid = o.id GROUP BY o.id
"""


async def figures(
    database: Any, placings: Sequence[Placing], *, keys_of_placings_alone: bool = False
) -> dict[str, int]:
    """Every figure but `orders` and `acknowledged` is a broken promise unless it is 0.

    `keys_of_placings_alone`: other keys (of payments and the like) are there, too, and not looked at.
    """
    rows = {str(row["id"]): row for row in await database.fetch("SELECT * FROM orders")}
    keys = {row["key"]: str(row["order_id"]) for row in await database.fetch("SELECT key, order_id FROM idempotency")}
    asked = {placing.key: placing for placing in placings}
    if keys_of_placings_alone:
        keys = {key: order_id for key, order_id in keys.items() if key in asked}
    key_of = {order_id: key for key, order_id in keys.items()}
    acknowledged = [(placing, placing.order) for placing in placings if placing.order is not None]
    per_order = await database.fetch(EVENTS_PER_ORDER)
    orders_by_key = Counter(keys.values())
    return {
        "orders": len(rows),
        "acknowledged": len(acknowledged),
        "lost": sum(order["id"] not in rows for _, order in acknowledged),
        "changed": sum(order["id"] in rows and not _same(order, rows[order["id"]]) for _, order in acknowledged),
        "answered with another key's order": sum(keys.get(p.key) != order["id"] for p, order in acknowledged),
        "not asked for": sum(not _asked_for(row, asked.get(key_of.get(str(row["id"]), ""))) for row in rows.values()),
        "duplicated": sum(orders_by_key[order_id] != 1 for order_id in rows),
        "gaps in seq": await database.fetchval(GAPS),
        "snapshots that differ": await database.fetchval(DIFFERING_SNAPSHOTS),
        "events without an order": await database.fetchval(ORPHANS),
        "placed not exactly once": sum(row["placed"] != 1 for row in per_order),
        "not processed": sum(row["processed"] == 0 for row in per_order),
        "processed twice": sum(row["processed"] > 1 for row in per_order),
    }


async def figures_at_rest(database: Any) -> dict[str, int]:
    return {what: await database.fetchval(query) for what, query in AT_REST.items()}


def figures_of_lists(lists: Mapping[str, list[dict[str, Any]]], placings: Sequence[Placing]) -> dict[str, int]:
    """What a customer is shown over HTTP: each of their acknowledged orders once, as acknowledged, and no other."""
    listed = Counter((customer, _shown(order)) for customer, orders in lists.items() for order in orders)
    agreed = Counter(
        (placing.customer_id, _shown(placing.order)) for placing in placings if placing.order is not None
    )
    return {
        "missing from their customer's list": (agreed - listed).total(),
        "listed but not acknowledged": (listed - agreed).total(),
    }


def _shown(order: dict[str, Any]) -> str:
    lines = [_agreed(line) for line in order["lines"]]
    return json.dumps([order["id"], order["number"], order["total"], lines], sort_keys=True)


def _same(order: dict[str, Any], row: asyncpg.Record) -> bool:
    """What was agreed on: number, total and lines; what has shipped since may differ."""
    body = json.loads(row["body"])
    return bool(
        [_agreed(line) for line in body["lines"]] == [_agreed(line) for line in order["lines"]]
        and Decimal(order["total"]) == Decimal(row["total"])
        and order["number"] == row["number"]
    )


def _agreed(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in ("line_id", "name", "quantity", "unit_price")}


def _asked_for(row: asyncpg.Record, placing: Placing | None) -> bool:
    """Whether a client sent the very request that this order answers."""
    if placing is None:
        return False
    lines = [
        {name: line[name] for name in ("name", "quantity", "unit_price")} for line in json.loads(row["body"])["lines"]
    ]
    return placing.customer_id == str(row["customer_id"]) and placing.wanted["lines"] == lines
