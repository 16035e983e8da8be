"""Types of columns that SQLAlchemy has not, or would read otherwise.

JSON columns take and give text: what is in them is encoded and decoded by `documents.py` alone.
"""

from typing import Any

from sqlalchemy import ColumnElement, Text, cast
from sqlalchemy.types import UserDefinedType


class JsonText(UserDefinedType[str]):
    """JSONB in the database, its text in Python."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSONB"

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(column, Text)  # else the driver would decode it


class JsonAsWritten(JsonText):
    """JSON in the database, which keeps the text as it was written."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, an int in Python."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"
