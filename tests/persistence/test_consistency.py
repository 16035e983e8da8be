"""The check of the ten invariants: silent about sound orders, and exact about broken ones; and rows made again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.consistency import check
from adapters.persistence.consistency_queries import QUERIES
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.rebuilding import rebuild
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.actor import SYSTEM
from order_service.domain.editing import Amendment
from order_service.domain.lifecycle import CancelReason
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from tests.builders import (
    a_canceled_order,
    a_delivered_order,
    a_line_request,
    a_paid_order,
    a_shipped_order,
    after,
    an_operator,
    an_order,
)

SAY_IN_LOG = """
    UPDATE order_events SET payload = jsonb_set(payload, '{{order,{path}}}', '{value}')
    WHERE aggregateid = :id AND seq = (SELECT max(seq) FROM order_events WHERE aggregateid = :id)
"""


def of_all_kinds() -> list[Order]:
    """In every status and on every axis, in currencies of 0, 2 and 3 decimals."""
    staff, yen = an_operator(), [a_line_request(unit_price="1200", sku=None), a_line_request(quantity=5, sku="B")]
    screened, rejected, edited, amended = an_order(), a_paid_order(), an_order(), an_order(external_ref="web-1")
    screened.process((), by=SYSTEM, at=after(minutes=1))
    rejected.process(("Too much.",), by=SYSTEM, at=after(minutes=1))
    edited.process((), by=SYSTEM, at=after(minutes=1))
    edited.edit_lines([a_line_request(quantity=7, sku="A")], by=staff, at=after(minutes=2))
    amended.amend(Amendment(external_ref="web-2", metadata={"a": "b"}), by=staff, at=after(minutes=2))
    half_paid = an_order(currency="KWD", lines=[a_line_request(unit_price="1.005")])
    half_paid.record_payment(payment_id="p", amount=Money(5, "KWD"), method="CARD", by=SYSTEM, at=after(minutes=1))
    half_sent = a_paid_order(currency="JPY", lines=yen)
    half_sent.ship(
        shipment_id="s", lines=[LineQuantity(half_sent.lines[1].line_id, 2)], by=staff, at=after(minutes=1)
    )
    half_sent.cancel_lines(
        [LineQuantity(half_sent.lines[1].line_id, 1)], reason=CancelReason.OTHER, by=staff, at=after(hours=1)
    )
    late = an_order()
    late.cancel(reason=CancelReason.EXPIRED, window=timedelta(), by=staff, at=after(hours=1))
    late.record_payment(payment_id="late", amount=late.total, method="CARD", by=SYSTEM, at=after(hours=2))
    returned, asked, refused = a_delivered_order(lines=yen, currency="JPY"), a_shipped_order(), a_shipped_order()
    for order, lines in (returned, [LineQuantity(returned.lines[0].line_id, 1)]), (asked, None), (refused, None):
        order.request_return(return_id="r", lines=lines, reason="", by=staff, at=after(hours=3))
    refused.refuse_return("r", by=staff, at=after(hours=4))
    returned.receive_return("r", by=staff, at=after(hours=4))
    returned.record_refund(refund_id="b", amount=returned.refund_due, reason="", by=SYSTEM, at=after(hours=5))
    all_back = a_delivered_order()
    all_back.request_return(return_id="r", lines=None, reason="", by=staff, at=after(hours=3))
    all_back.receive_return("r", by=staff, at=after(hours=4))
    all_back.record_refund(refund_id="b", amount=all_back.refund_due, reason="", by=SYSTEM, at=after(hours=5))
    plain = [an_order(), a_paid_order(), a_shipped_order(), a_delivered_order(), a_canceled_order()]
    lives = [screened, rejected, edited, amended, half_paid, half_sent, late, returned, asked, refused, all_back]
    return plain + lives


async def save(engine: AsyncEngine, *orders: Order) -> None:
    for order in orders:
        async with SqlTransactions(engine).begin() as tx:
            tx.orders.add(order)
            await tx.commit()


async def findings(engine: AsyncEngine) -> dict[str, set[UUID | None]]:
    """By the number of the invariant: who breaks it."""
    found = [finding async for finding in check(engine)]
    assert [finding.invariant for finding in found] == list(QUERIES)
    assert all(broken.what for finding in found for broken in finding.broken)
    return {
        finding.invariant.partition(":")[0].partition(".")[0]: {broken.order_id for broken in finding.broken}
        for finding in found
        if finding.broken
    }


async def run(engine: AsyncEngine, statements: Sequence[str], **values: Any) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})


def told(path: str, value: str) -> list[str]:
    """The row and the newest snapshot are made to say it alike, so that only what it means is wrong."""
    return [
        f"UPDATE orders SET body = jsonb_set(body::jsonb, '{{{path}}}', '{value}') WHERE id = :id",
        SAY_IN_LOG.format(path=path, value=value),
    ]


async def test_sound_orders_of_all_kinds_break_nothing(engine: AsyncEngine) -> None:
    await save(engine, *of_all_kinds())
    async with SqlEventLog(engine).reader("relay") as reader:
        await reader.advance((await reader.next_batch(5))[-1].at)
    assert await findings(engine) == {}
    assert [written async for _, written in rebuild(engine)] == [0]


EMPTY_PARCEL = '[{"shipment_id": "s", "lines": [], "delivered_at": null}]'
DAMAGES: dict[str, tuple[str, list[str]]] = {
    "a total that is not the sum": (
        "1",
        [*told("total", '"20.01"'), "UPDATE orders SET total = 20.01 WHERE id = :id"],
    ),
    "a line of another currency": ("1", told("lines,0,unit_price", '"10.000"')),
    "money that was not captured": ("2", told("captured", '"20.01"')),
    "money that is owed twice": ("2", told("refund_due", '"1.00"')),
    "a parcel of more than was ordered": ("3", told("shipments,0,lines,0,quantity", "3")),
    "more returned than was shipped": ("3", told("lines,0,returned", "3")),
    "a status that does not follow": (
        "4a",
        [*told("status", '"PAID"'), "UPDATE orders SET status = 'PAID' WHERE id = :id"],
    ),
    "an axis that does not follow": (
        "4a",
        [*told("return_status", '"PARTIAL"'), "UPDATE orders SET return_status = 'PARTIAL' WHERE id = :id"],
    ),
    "screened, of which the log knows nothing": (
        "4b",
        [
            *told("processing_status", '"PROCESSED"'),
            "UPDATE orders SET processing_status = 'PROCESSED' WHERE id = :id",
        ],
    ),
    "a gap in the log": ("5", ["DELETE FROM order_events WHERE aggregateid = :id AND seq = 2"]),
    "a missing row": ("5", ["DELETE FROM orders WHERE id = :id"]),
    "a body that the log has not": (
        "6",
        ["UPDATE orders SET body = jsonb_set(body::jsonb, '{payments,0,method}', '\"CASH\"') WHERE id = :id"],
    ),
    "an answer of which the log knows nothing": (
        "7",
        [
            """INSERT INTO idempotency (subject, key, fingerprint, order_id, version)
               VALUES (gen_random_uuid(), 'k', '', :id, 99)"""
        ],
    ),
    "a number that changed": (
        "9",
        [
            """UPDATE order_events SET payload = jsonb_set(payload, '{order,number}', '"0"')
               WHERE aggregateid = :id AND seq = 2"""
        ],
    ),
    "events that turned around": (
        "10",
        ["UPDATE order_events SET tx_id = '1' WHERE aggregateid = :id AND seq = 3"],
    ),
    "a column of its own": ("copies", ["UPDATE orders SET status = 'PENDING' WHERE id = :id"]),
    "a total of its own": ("copies", ["UPDATE orders SET total = 1 WHERE id = :id"]),
    "skus of their own": ("copies", ["UPDATE orders SET skus = '{}' WHERE id = :id"]),
    "metadata of their own": ("copies", ['UPDATE orders SET metadata = \'{"a": "b"}\' WHERE id = :id']),
    "an external_ref of its own": ("copies", ["UPDATE orders SET external_ref = 'x' WHERE id = :id"]),
}


@pytest.mark.parametrize(("invariant", "damage"), DAMAGES.values(), ids=DAMAGES)
async def test_what_breaks_an_invariant_is_reported_under_it_and_nowhere_else(
    engine: AsyncEngine, invariant: str, damage: list[str]
) -> None:
    victim = a_delivered_order()
    await save(engine, *of_all_kinds(), victim)
    await run(engine, damage, id=victim.id)
    assert await findings(engine) == {invariant: {victim.id}}


async def test_a_canceled_order_of_which_something_shipped_is_reported(engine: AsyncEngine) -> None:
    victim = a_canceled_order()
    await save(engine, a_canceled_order(), victim)
    alike = [*told("shipments", EMPTY_PARCEL), *told("fulfillment_status", '"SHIPPED"')]
    alike += [*told("lines,0,canceled", "2"), *told("payment_status", '"PAID"')]  # so that the rest follows from it
    columns = "UPDATE orders SET fulfillment_status = 'SHIPPED', payment_status = 'PAID' WHERE id = :id"
    await run(engine, [*alike, columns], id=victim.id)
    assert await findings(engine) == {"8": {victim.id}}


async def test_two_orders_of_one_external_ref_are_reported(engine: AsyncEngine) -> None:
    one = an_order(external_ref="web-1")
    two = an_order(external_ref="web-1", customer_id=one.customer_id)
    await run(engine, ["DROP INDEX uq_orders_external_ref_customer_id"])
    await save(engine, one, two, an_order(external_ref="web-1"))
    assert await findings(engine) == {"7": {one.id, two.id}}


@pytest.mark.parametrize("cursor", ["('relay', '9000000000', 1, NULL)", "('relay', '0', 9, 1)"])
async def test_a_relay_that_is_beyond_the_log_or_of_another_cluster_is_reported(
    engine: AsyncEngine, cursor: str
) -> None:
    await save(engine, an_order())
    await run(engine, [f"INSERT INTO relay_cursor VALUES {cursor}"])
    assert await findings(engine) == {"10": {None}}


async def test_a_body_that_cannot_be_read_is_reported_and_the_rest_is_checked_all_the_same(
    engine: AsyncEngine,
) -> None:
    victim = an_order()
    await save(engine, victim)
    await run(engine, told("total", '"much"'), id=victim.id)
    assert await findings(engine) == {"1": {None}, "copies": {victim.id}}


async def test_the_check_is_of_one_moment_and_holds_nobody_up(engine: AsyncEngine) -> None:
    await save(engine, an_order())
    found = []
    async for finding in check(engine):
        found.append(finding)
        await save(engine, a_paid_order())
        await run(engine, ["UPDATE orders SET status = 'SHIPPED'"])
        async with SqlEventLog(engine).reader("other") as reader:
            assert len(await reader.next_batch(1000)) == 1 + 3 * len(found), "the log is settled up to its end"
    assert [finding.broken for finding in found] == [[]] * len(QUERIES)


async def rows(connection: AsyncConnection) -> list[dict[str, Any]]:
    return [dict(row) for row in (await connection.execute(text("SELECT * FROM orders ORDER BY id"))).mappings()]


async def test_damaged_rows_are_made_again_from_the_log_and_no_others_are_written(engine: AsyncEngine) -> None:
    orders = of_all_kinds()
    await save(engine, *orders)
    async with engine.connect() as connection:
        before = await rows(connection)
    damages = [
        "UPDATE orders SET status = 'PENDING' WHERE id = :id",
        "DELETE FROM orders WHERE id = :id",
        "UPDATE orders SET body = jsonb_set(body::jsonb, '{lines,0,quantity}', '9') WHERE id = :id",
        "UPDATE orders SET lines_fingerprint = '' WHERE id = :id",
    ]
    for order, damage in zip(orders[1:], damages, strict=False):
        await run(engine, [damage], id=order.id)
    assert {key: value for key, value in (await findings(engine)).items() if key in {"copies", "5", "6"}} == {
        "copies": {orders[1].id},
        "5": {orders[2].id},
        "6": {orders[3].id},
    }
    assert [step async for step in rebuild(engine, [orders[1].id, orders[0].id])] == [(2, 1)]
    assert [step async for step in rebuild(engine)] == [(len(orders), 3)]
    assert [written async for _, written in rebuild(engine)] == [0]
    async with engine.connect() as connection:
        assert await rows(connection) == before
    assert await findings(engine) == {}


async def test_a_row_of_which_the_log_knows_nothing_is_left_alone(engine: AsyncEngine) -> None:
    known, unknown = an_order(), uuid4()
    await save(engine, known)
    await run(engine, ["DELETE FROM order_events WHERE aggregateid = :id"], id=known.id)
    assert [step async for step in rebuild(engine)] == []
    assert [step async for step in rebuild(engine, [known.id, unknown])] == [(2, 0)]
    assert await findings(engine) == {"5": {known.id}}
