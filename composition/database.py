"""The database that a process works on, and its schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL

import migrations
from adapters.embedded.postgres import EmbeddedPostgres
from composition.settings import Settings


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


def migrate(url: URL) -> None:
    """Brings the schema to the newest revision. Not inside a running event loop: Alembic starts its own."""
    command.upgrade(_alembic(url), "head")


def new_migration(url: URL, name: str) -> None:
    """Writes a revision with what the tables in code have and the database has not."""
    command.revision(_alembic(url), message=name, autogenerate=True)


def _alembic(url: URL) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["url"] = url
    return config
