"""The pool of connections to PostgreSQL."""

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def create_engine(url: URL, *, pool_size: int, patience: float | None = 3.5) -> AsyncEngine:
    """A bounded pool. Nothing connects before it is used; waiting for one ends after 5 s, connecting after 3.

    Together with `patience`: whoever asks is answered within 10 s, even when PostgreSQL stands still.
    `patience`: after how many seconds a statement is given up; None for what may take as long as it takes.
    The planner is told that pages at random cost little more than pages in a row, as on any disk of today: by its
    default, of spinning ones, it walks a list in order past a hundred thousand orders in other statuses rather than
    take the index of the one that is asked for.
    """
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        connect_args={
            "timeout": 3,
            "command_timeout": patience,
            "server_settings": {"timezone": "UTC", "random_page_cost": "1.1"},
        },
    )
