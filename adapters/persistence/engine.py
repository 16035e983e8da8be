"""The pool of connections to PostgreSQL."""

from urllib.parse import urlencode

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_TLS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})
"""SQLAlchemy would hand these to asyncpg as arguments, which it reads from an address alone."""


def create_engine(url: URL, *, pool_size: int, patience: float | None = 3.0) -> AsyncEngine:
    """A bounded pool. Nothing connects before it is used; waiting for one ends after 2.5 s, and so does connecting.

    Together with `patience`: whoever asks is answered within 10 s, even when PostgreSQL stands still,
    and even behind another group of those who ask together (gathered_reads.py).
    `patience`: after how many seconds a statement is given up; None for what may take as long as it takes.
    The planner is told that pages at random cost little more than pages in a row, as on any disk of today: by its
    default, of spinning ones, it walks a list in order past a hundred thousand orders in other statuses rather than
    take the index of the one that is asked for.
    libpq's names for TLS in the query of `url` mean what they mean there; no error names a statement's parameters.
    """
    tls = {name: value for name, value in url.query.items() if name in _TLS}
    return create_async_engine(
        url.difference_update_query(tls),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2.5,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            **({"dsn": f"postgresql://?{urlencode(tls)}"} if tls else {}),
            "timeout": 2.5,
            "command_timeout": patience,
            "server_settings": {"timezone": "UTC", "random_page_cost": "1.1"},
        },
    )
