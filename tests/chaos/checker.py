"""Compares the clients' books, the tables and Kafka from offset 0. Shares no code with the service."""

import json
from collections import Counter, defaultdict
from typing import Any

from tests.chaos.shop import Books

PAYMENTS = """
    SELECT o.id, p ->> 'payment_id' AS payment_id, p ->> 'amount' AS amount
    FROM orders o, jsonb_array_elements(o.body::jsonb -> 'payments') p
"""
MONEY_THAT_DOES_NOT_ADD_UP = """
    SELECT count(*) FROM orders o
    WHERE (o.body::jsonb ->> 'captured')::numeric IS DISTINCT FROM coalesce(
        (SELECT sum((p ->> 'amount')::numeric) FROM jsonb_array_elements(o.body::jsonb -> 'payments') p), 0)
    OR (o.body::jsonb ->> 'refund_due')::numeric IS DISTINCT FROM greatest(0, (o.body::jsonb ->> 'captured')::numeric
        - CASE o.status WHEN 'CANCELED' THEN 0 ELSE (o.body::jsonb ->> 'total')::numeric END)
"""
STATES = "SELECT id, status, jsonb_array_length(body::jsonb -> 'shipments') AS shipments FROM orders"


async def figures(database: Any, books: Books, records: list[Any]) -> dict[str, int]:
    """Every figure but `on Kafka` and `on Kafka again` is a broken promise unless it is 0."""
    recorded = Counter((str(row["id"]), row["payment_id"], row["amount"]) for row in await database.fetch(PAYMENTS))
    made = Counter(
        (order_id, *payment) for order_id, all_of_it in books.payments.items() for payment in all_of_it.items()
    )
    states = {str(row["id"]): row for row in await database.fetch(STATES)}
    status = {order_id: row["status"] for order_id, row in states.items()}
    parcels = {order_id: row["shipments"] for order_id, row in states.items()}
    return {
        "payments lost": len(made.keys() - recorded.keys()),
        "payments twice": sum(times > 1 for times in Counter(order[:2] for order in recorded.elements()).values()),
        "payments nobody made": len(recorded.keys() - made.keys()),
        "cancellations lost": sum(status.get(order_id) != "CANCELED" for order_id in books.canceled),
        "cancellations nobody made": sum(
            state == "CANCELED" and order_id not in books.canceled for order_id, state in status.items()
        ),
        "shipments not made once": sum(number != (order_id in books.shipped) for order_id, number in parcels.items()),
        "read older than acknowledged": len(books.stale_reads),
        "money that does not add up": await database.fetchval(MONEY_THAT_DOES_NOT_ADD_UP),
        **_told(records, {str(row["id"]): row for row in await database.fetch("SELECT * FROM order_events")}),
    }


def _without_free_text(payload: Any) -> Any:
    """What a person may have written stays in the database."""
    order = payload["order"]
    for part in (order, *order["shipments"]):
        for name in ("external_ref", "metadata", "tracking"):
            part.pop(name, None)
    for part in (*order["refunds"], *order["returns"]):
        part.pop("reason")
        part.pop("note", None)
    if order["cancellation"] is not None:
        order["cancellation"].pop("note")
    if "refund_id" in payload["change"]:
        payload["change"].pop("reason")
    return payload


def _told(records: list[Any], log: dict[str, Any]) -> dict[str, int]:
    first: dict[str, Any] = {}
    seqs: dict[str, list[int]] = defaultdict(list)
    partitions: dict[str, set[int]] = defaultdict(set)
    differing = 0
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        headers = {name: value.decode() for name, value in record.headers}
        partitions[headers["ce_subject"]].add(record.partition)
        if headers["ce_id"] in first:
            continue
        first[headers["ce_id"]] = record
        seqs[headers["ce_subject"]].append(int(headers["ce_sequence"]))
        event = log.get(headers["ce_id"])
        differing += event is not None and (
            json.loads(record.value) != _without_free_text(json.loads(event["payload"]))
            or record.key.decode() != str(event["aggregateid"])
        )
    return {
        "on Kafka": len(first),
        "on Kafka again": len(records) - len(first),
        "events missing on Kafka": len(set(log) - set(first)),
        "events on Kafka alone": len(set(first) - set(log)),
        "events that differ": differing,
        "gaps on Kafka": sum(sorted(order) != list(range(1, len(order) + 1)) for order in seqs.values()),
        "orders in two partitions": sum(len(numbers) > 1 for numbers in partitions.values()),
        "reordered on Kafka": sum(order != sorted(order) for order in seqs.values()),
    }
