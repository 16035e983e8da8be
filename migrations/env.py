"""Alembic's way in: which database, and which tables it is meant to have."""

import asyncio

from alembic import context
from sqlalchemy import URL, Connection
from sqlalchemy.dialects.postgresql.base import ischema_names

from adapters.persistence.column_types import Xid8
from adapters.persistence.engine import create_engine
from adapters.persistence.tables import metadata, order_events
from composition.settings import read_settings

ischema_names["xid8"] = Xid8  # so that a column of it found in a database is known to be one


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Partitions are made as time goes by, and detached ones are the operator's: `tables.py` knows of neither."""
    return kind != "table" or not str(name).startswith(f"{order_events.name}_")


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, user_module_prefix="", include_name=is_ours)
    with context.begin_transaction():
        context.run_migrations()


async def run_on(url: URL) -> None:
    engine = create_engine(url, pool_size=1, patience=None)  # a large table takes its time
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


def offline(url: URL) -> None:
    context.configure(url=str(url), target_metadata=metadata, literal_binds=True, dialect_name="postgresql")
    with context.begin_transaction():
        context.run_migrations()


# Who calls Alembic from Python says which database; the `alembic` command takes it from the settings.
_url = context.config.attributes.get("url") or read_settings().postgres_url
if _url is None:
    raise SystemExit("Set POSTGRES_HOST or DATABASE_URL, or use `just migrate`, which knows the embedded database.")

if context.is_offline_mode():
    offline(_url)
else:
    asyncio.run(run_on(_url))
