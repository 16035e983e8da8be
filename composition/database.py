"""The database that a process works on, and its schema."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

import migrations
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.persistence.engine import create_engine
from adapters.persistence.log_partitions import SqlLogPartitions
from adapters.system import SystemClock
from composition.refusal import Unreachable
from composition.settings import Settings, SettingsError
from order_service.use_cases.partition_event_log import LogRules, PartitionEventLog


@contextmanager
def database(settings: Settings) -> Iterator[URL]:
    """The configured PostgreSQL; with none configured the embedded one, which runs for as long as this is open.

    Must be opened in a thread that lives as long: the embedded server stops with it.
    """
    if settings.postgres_url is not None:
        yield settings.postgres_url
        return
    with EmbeddedPostgres(embedded_folder(settings)) as postgres:
        at = postgres.connection
        yield URL.create(
            "postgresql+asyncpg",
            username=at.user,
            password=at.password,
            database=at.database,
            query={"host": str(at.host), "port": str(at.port)},
        )


def embedded_folder(settings: Settings) -> Path:
    return settings.var / "postgres"


@contextmanager
def ready_database(settings: Settings) -> Iterator[URL]:
    """The same with its schema: the embedded one may be as good as new; another one is the operator's care.

    Raises SettingsError when the server does not let us in. Not inside a running event loop.
    """
    with database(settings) as url:
        if settings.postgres_url is None:
            migrate(url)
        else:
            asyncio.run(_reach(url))
        yield url


def migrate(url: URL) -> None:
    """Brings the schema to the newest revision. Not inside a running event loop: Alembic starts its own.

    Raises SettingsError when the server does not let us in.
    """
    asyncio.run(_reach(url))
    command.upgrade(_alembic(url), "head")
    asyncio.run(_make_months(url))


def new_migration(url: URL, name: str) -> None:
    """Writes a revision with what the tables in code have and the database has not."""
    command.revision(_alembic(url), message=name, autogenerate=True)


async def _make_months(url: URL) -> None:
    """As the scheduler does, but for as long as it takes: if none has run for long, much has to be moved."""
    engine = create_engine(url, pool_size=1, patience=None)
    try:
        await PartitionEventLog(SqlLogPartitions(engine), LogRules(months_kept=None), SystemClock())()
    finally:
        await engine.dispose()


async def _reach(url: URL) -> None:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect():
            pass
    except (OSError, asyncpg.PostgresError, DBAPIError) as error:
        where = f"{url.host or url.query.get('host')}:{url.port or 5432}/{url.database}"
        kind = Unreachable if isinstance(error, OSError) else SettingsError
        raise kind(
            f"PostgreSQL at {where} does not let us in: {error}. Is it running? Check POSTGRES_HOST and the settings "
            "beside it, or DATABASE_URL."
        ) from error
    finally:
        await engine.dispose()


def _alembic(url: URL) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["url"] = url
    return config
