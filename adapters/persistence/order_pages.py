"""The query for a page of orders, made once for each choice of filters: to make it costs more than to run it."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, bindparam, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, asyncpg

from adapters.persistence.documents import IN_A_RENDERED_ROW, json_text
from adapters.persistence.tables import orders
from order_service.ports import OrderFilter, PageStart

_column = orders.c
_PLACE = (_column.placed_at, _column.id)
_start = (
    bindparam("start_placed_at", type_=_column.placed_at.type),
    bindparam("start_id", type_=_column.id.type),
)

_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    **{
        name: _column[name] == bindparam(name, type_=_column[name].type)
        for name in (
            "customer_id",
            "status",
            "processing_status",
            "payment_status",
            "fulfillment_status",
            "return_status",
            "number",
            "external_ref",
        )
    },
    "placed_from": _column.placed_at >= bindparam("placed_from", type_=_column.placed_at.type),
    "placed_to": _column.placed_at <= bindparam("placed_to", type_=_column.placed_at.type),
    "total_min": _column.total >= bindparam("total_min", type_=_column.total.type),
    "total_max": _column.total <= bindparam("total_max", type_=_column.total.type),
    "sku": _column.skus.contains(bindparam("sku", type_=ARRAY(Text))),
    "metadata": _column.metadata.bool_op("@>")(bindparam("metadata", type_=_column.metadata.type)),
}
_SENT_AS: Mapping[str, Callable[[Any], Any]] = {"sku": lambda sku: [sku], "metadata": json_text}


def page_query(
    wanted: OrderFilter, *, start: PageStart | None, limit: int, newest_first: bool
) -> tuple[str, Sequence[Any]]:
    """A page of `limit` orders, and one too many, which says that there is a next page.

    A text with $1, $2, …, and their values in this order, for the driver.
    """
    values = {
        name: _SENT_AS[name](value) if name in _SENT_AS else value
        for name in _CONDITIONS
        if (value := getattr(wanted, name)) is not None and value != {}
    }
    text, names = _text_and_names(frozenset(values), start is not None, newest_first)
    values["rows"] = limit + 1
    if start is not None:
        values |= {"start_placed_at": start.placed_at, "start_id": start.order_id}
    return text, [values[name] for name in names]


@lru_cache(maxsize=256)
def _text_and_names(filters: frozenset[str], starts_behind: bool, newest_first: bool) -> tuple[str, Sequence[str]]:
    query = select(*(_column[name] for name in ("placed_at", *IN_A_RENDERED_ROW)))
    query = query.where(*(condition for name, condition in _CONDITIONS.items() if name in filters))
    if starts_behind:
        place, here = tuple_(*_PLACE), tuple_(*_start)
        query = query.where(place < here if newest_first else place > here)
    query = query.order_by(*(column.desc() if newest_first else column for column in _PLACE))
    query = query.limit(bindparam("rows", type_=Integer))
    compiled = query.compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return str(compiled), compiled.positiontup or ()
