"""The service's own database, written to a file and made anew of it. Who has another PostgreSQL has its tools."""

import argparse
import asyncio
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, text

from adapters.embedded.postgres import installed_binaries, running
from adapters.persistence.engine import create_engine
from adapters.persistence.event_log import SqlEventLog
from composition.commands.command import DONE, REFUSED, Commands, complain
from composition.database import database, embedded_folder, migrate, require_data
from composition.lags import CURSOR
from composition.settings import Settings, SettingsError


def add_commands(commands: Commands) -> None:
    backup = commands.add(
        "backup",
        make_backup,
        "write the service's own database to a file",
        about="""For the database that `order-service up` brings along, while it runs or not; of another
        PostgreSQL take backups with its own tools (docs/operations.md). FILE holds all that is in the
        database at one moment, personal data, too: keep it as safe. Keep VAR_DIR/secret_key with it:
        without that key, whoever is logged in must do so again.""",
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="where to; it must not be there yet")
    restore = commands.add(
        "restore",
        restore_backup,
        "make the service's own database anew, of a file that `backup` wrote",
        about="""Into a VAR_DIR without a database; stop `order-service up` before. The schema is brought to the
        newest revision, and the event log numbered anew.""",
    )
    restore.add_argument("file", type=Path, metavar="FILE", help="what `order-service backup` wrote")


def make_backup(settings: Settings, given: argparse.Namespace) -> int:
    _require_own_database(settings)
    try:
        file = os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(f"{given.file} cannot be written: {error.strerror}.") from None
    code = REFUSED
    try:
        with os.fdopen(file, "wb") as written, _running_or_started(settings) as (host, password):
            code = _run(["pg_dump", "--format=custom", "--dbname=postgres"], host, password, output=written.fileno())
    finally:
        if code:  # half of a database is no backup
            given.file.unlink()
    if code:
        return REFUSED
    print(f"{given.file} has all that was in the database, in {given.file.stat().st_size / 2**20:.1f} MiB.")
    return DONE


def restore_backup(settings: Settings, given: argparse.Namespace) -> int:
    _require_own_database(settings)
    _require_backup(given.file)
    with database(settings) as url:
        host, password = str(url.query["host"]), str(url.password)
        if asyncio.run(_has_tables(url)):
            complain(
                f"There is a database in {embedded_folder(settings)} already. Name another VAR_DIR, or remove it."
            )
            return REFUSED
        arguments = ["pg_restore", "--exit-on-error", "--single-transaction", "--dbname=postgres", str(given.file)]
        if _run(arguments, host, password):
            return REFUSED
        migrate(url)
        asyncio.run(_rebase(url))
    print(f"The database is as it was when {given.file} was written. `order-service up` starts with it.")
    return DONE


def _require_backup(file: Path) -> None:
    if not file.is_file():
        raise SettingsError(f"{file} is no file.")
    listed = subprocess.run(  # noqa: S603 - our own program and arguments
        [str(installed_binaries() / "pg_restore"), "--list", str(file.absolute())],
        env={"PATH": os.defpath, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        raise SettingsError(f"{file} is no backup made by `order-service backup`.")


def _require_own_database(settings: Settings) -> None:
    if settings.postgres_url is not None:
        raise SettingsError(
            "POSTGRES_HOST or DATABASE_URL is set: this is for the service's own database alone. docs/operations.md "
            "says how to back up another PostgreSQL."
        )


@contextmanager
def _running_or_started(settings: Settings) -> Iterator[tuple[str, str]]:
    """The socket's folder and the password."""
    folder = embedded_folder(settings)
    if (at := running(folder)) is not None:
        yield at.host, at.password
        return
    require_data(settings)
    with database(settings) as url:
        yield str(url.query["host"]), str(url.password)


def _run(command: Sequence[str], host: str, password: str, *, output: int | None = None) -> int:
    """A program of the PostgreSQL that we bring along; what it complains of goes where our complaints go."""
    program, *arguments = command
    where = {"PGHOST": host, "PGPORT": "5432", "PGUSER": "order_service", "PGPASSWORD": password}
    return subprocess.run(  # noqa: S603 - our own program and arguments
        [str(installed_binaries() / program), *arguments],
        env={"PATH": os.defpath, "LC_ALL": "C", **where},
        stdout=output,
        check=False,
    ).returncode


async def _has_tables(url: URL) -> bool:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            return bool(await connection.scalar(text("SELECT to_regclass('orders') IS NOT NULL")))
    finally:
        await engine.dispose()


async def _rebase(url: URL) -> None:
    engine = create_engine(url, pool_size=2, patience=None)
    try:
        await SqlEventLog(engine).rebase(CURSOR)
    finally:
        await engine.dispose()
