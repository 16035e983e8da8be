"""Many rows as the parameters of one statement: an array for each column, and `unnest` to make rows of them again."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Column
from sqlalchemy.dialects import postgresql

from adapters.persistence.column_types import JsonText


def values_of(column: Column[Any], rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """What the column's parameter is given."""
    values = [row[column.name] for row in rows]
    return [_array(value) for value in values] if isinstance(column.type, ARRAY) else values


def sent_as(column: Column[Any]) -> str:
    """The type in the parameter. Documents and arrays go as text: the driver would encode them in Python."""
    return "text" if isinstance(column.type, ARRAY | JsonText) else _type_of(column)


def read_from(source: str, column: Column[Any]) -> str:
    return f"{source}.{column.name}::{_type_of(column)}"


def _array(texts: Sequence[str] | None) -> str | None:
    """As PostgreSQL writes arrays: lists in a list would have to be of one length."""
    if texts is None:
        return None
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def _type_of(column: Column[Any]) -> str:
    return column.type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's
