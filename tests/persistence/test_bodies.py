"""An order's row keeps the bytes that are sent; what another release wrote is sent in ours all the same."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.documents import BODY_FORMAT, BY_DATABASE, rendered
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.transaction import SqlTransactions
from order_service.ports import OrderFilter
from order_service.views import OrderView
from tests.builders import a_delivered_order

SHAPES = {1: "eb02729"}
"""By format, the start of the hash of what an order looks like in it."""


def names(view: Any, before: str = "") -> Iterator[str]:
    hints = get_type_hints(view)
    for field in fields(view):
        yield before + field.name
        for part in (hints[field.name], *get_args(hints[field.name])):
            if is_dataclass(part):
                yield from names(part, f"{before}{field.name}.")


def test_another_shape_of_the_order_is_another_format() -> None:
    shape = hashlib.sha256("\n".join(names(OrderView)).encode()).hexdigest()
    assert shape.startswith(SHAPES[BODY_FORMAT]), (
        "OrderView has changed: raise BODY_FORMAT in documents.py, so that rows written before are read through the "
        f"view, and add {BODY_FORMAT + 1}: {shape[:7]!r} here."
    )


@pytest.mark.parametrize("written_as", [BODY_FORMAT, BY_DATABASE, BODY_FORMAT + 1])
async def test_whatever_wrote_a_row_the_same_bytes_are_sent(engine: AsyncEngine, written_as: int) -> None:
    order = a_delivered_order()
    ours = rendered(order)
    async with SqlTransactions(engine).begin() as tx:
        tx.orders.add(order)
        await tx.commit()
    if written_as != BODY_FORMAT:
        other = text("""UPDATE orders SET body_format = :format, body = (body::jsonb || '{"of_later": 1}')::json""")
        async with engine.begin() as connection:
            await connection.execute(other, {"format": written_as})
    views = SqlOrderViews(engine)
    page = await views.list(OrderFilter(), start=None, limit=1, newest_first=True)
    assert [await views.get(order.id), *page.orders] == [ours, ours]
