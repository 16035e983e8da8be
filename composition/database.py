"""The database that a process works on, and its schema."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from socket import gaierror

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

import migrations
from adapters.embedded.postgres import EmbeddedPostgres, holds_data
from adapters.persistence.engine import create_engine
from adapters.persistence.failures import driver_error
from adapters.persistence.log_partitions import SqlLogPartitions
from adapters.system import SystemClock
from composition.connections import postgres_address
from composition.refusal import Unreachable
from composition.settings import Settings, SettingsError
from order_service.use_cases.partition_event_log import LogRules, PartitionEventLog


class NoSchema(Exception):
    """The tables are not there, or not as the code knows them."""

    def __init__(self) -> None:
        super().__init__("The database has not the newest schema: run `order-service migrate`.")


@contextmanager
def database(settings: Settings) -> Iterator[URL]:
    """The configured PostgreSQL; with none configured the embedded one, which runs for as long as this is open.

    Must be opened in a thread that lives as long: the embedded server stops with it.
    """
    if settings.postgres_url is not None:
        yield settings.postgres_url
        return
    with EmbeddedPostgres(settings.var / "postgres") as postgres:
        at = postgres.connection
        yield URL.create(
            "postgresql+asyncpg",
            username=at.user,
            password=at.password,
            database=at.database,
            query={"host": str(at.host), "port": str(at.port)},
        )


def embedded_folder(settings: Settings) -> Path:
    """Where the embedded one is, or would be: nothing is made here."""
    return Path(settings.var_dir).absolute() / "postgres"


@contextmanager
def ready_database(settings: Settings, *, begin: bool = False) -> Iterator[URL]:
    """The same with its schema: the embedded one may be as good as new; another one is the operator's care.

    `begin`: whether an embedded one is made if there is none. Raises SettingsError if it is not, or when the server
    does not let us in, and NoSchema. Not inside a running event loop.
    """
    if not begin:
        require_data(settings)
    with database(settings) as url:
        if settings.postgres_url is None:
            migrate(url)
        else:
            asyncio.run(_require_schema(url))
        yield url


def require_data(settings: Settings) -> None:
    """Raises SettingsError where an embedded database would have to be made first."""
    if settings.postgres_url is None and not holds_data(folder := embedded_folder(settings)):
        raise SettingsError(
            f"There is no database in {folder}. VAR_DIR says where to look; of another PostgreSQL, POSTGRES_HOST or "
            "DATABASE_URL."
        )


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
    async with _let_in(url):
        pass


async def _require_schema(url: URL) -> None:
    async with _let_in(url) as connection:
        if not await connection.scalar(text("SELECT to_regclass('orders') IS NOT NULL")):
            raise NoSchema


@asynccontextmanager
async def _let_in(url: URL) -> AsyncIterator[AsyncConnection]:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            yield connection
    except (OSError, asyncpg.PostgresError, DBAPIError) as error:
        kind = Unreachable if isinstance(error, OSError) else SettingsError
        raise kind(_not_let_in(url, error)) from error
    finally:
        await engine.dispose()


def _not_let_in(url: URL, error: Exception) -> str:
    cause = driver_error(error)
    check = "Check POSTGRES_HOST and the settings beside it, or DATABASE_URL."
    if isinstance(cause, asyncpg.InvalidCatalogNameError):
        return (
            f"PostgreSQL at {postgres_address(url)}: there is no such database. Create it "
            f"(`createdb {url.database}`), or name another: POSTGRES_DB or DATABASE_URL."
        )
    if isinstance(cause, gaierror):
        return f"PostgreSQL: the host {url.host} is not known. {check}"
    why = str(cause).rstrip(".") or "no answer in time"
    return f"PostgreSQL at {postgres_address(url)} does not let us in: {why}. Is it running? {check}"


def _alembic(url: URL) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["url"] = url
    return config
