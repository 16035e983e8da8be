"""Compares the clients' books, the tables and Kafka from offset 0. Shares no code with the service."""

import json
from collections import defaultdict
from typing import Any

from tests.chaos.shop import Books

PAYMENTS = """
    SELECT o.id, p ->> 'payment_id' AS payment_id
    FROM orders o, jsonb_array_elements(o.body -> 'payments') p
"""
MONEY_THAT_DOES_NOT_ADD_UP = """
    SELECT count(*) FROM orders o
    WHERE (o.body ->> 'captured')::numeric IS DISTINCT FROM coalesce(
        (SELECT sum((p ->> 'amount')::numeric) FROM jsonb_array_elements(o.body -> 'payments') p), 0)
"""


async def figures(database: Any, books: Books, records: list[Any]) -> dict[str, int]:
    """Every figure but `on Kafka` and `on Kafka again` is a broken promise unless it is 0."""
    recorded: dict[str, list[str]] = defaultdict(list)
    for row in await database.fetch(PAYMENTS):
        recorded[str(row["id"])].append(row["payment_id"])
    states = {str(row["id"]): row["status"] for row in await database.fetch("SELECT id, status FROM orders")}
    return {
        "payments lost": sum(not ids <= set(recorded[order_id]) for order_id, ids in books.payments.items()),
        "payments twice": sum(len(ids) != len(set(ids)) for ids in recorded.values()),
        "payments nobody made": sum(not set(ids) <= books.payments.get(o, set()) for o, ids in recorded.items()),
        "cancellations lost": sum(states.get(order_id) != "CANCELED" for order_id in books.canceled),
        "money that does not add up": await database.fetchval(MONEY_THAT_DOES_NOT_ADD_UP),
        **_told(records, {str(row["id"]): row for row in await database.fetch("SELECT * FROM order_events")}),
    }


def _told(records: list[Any], log: dict[str, Any]) -> dict[str, int]:
    first: dict[str, Any] = {}
    seqs: dict[str, list[int]] = defaultdict(list)
    differing = 0
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        headers = {name: value.decode() for name, value in record.headers}
        if headers["ce_id"] in first:
            continue
        first[headers["ce_id"]] = record
        seqs[headers["ce_subject"]].append(int(headers["ce_sequence"]))
        event = log.get(headers["ce_id"])
        differing += event is not None and (
            json.loads(record.value) != json.loads(event["payload"])
            or record.key.decode() != str(event["aggregateid"])
        )
    return {
        "on Kafka": len(first),
        "on Kafka again": len(records) - len(first),
        "events missing on Kafka": len(set(log) - set(first)),
        "events on Kafka alone": len(set(first) - set(log)),
        "events that differ": differing,
        "gaps on Kafka": sum(sorted(order) != list(range(1, len(order) + 1)) for order in seqs.values()),
        "reordered on Kafka": sum(order != sorted(order) for order in seqs.values()),
    }
