"""What every process of its own has in common: settings, container, an orderly end."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from dishka import AsyncContainer, Provider

from adapters.telemetry.metrics import Metrics
from composition.container import Resources
from composition.logs import tell_in_log
from composition.secret import secret_key
from composition.settings import Settings, SettingsError, read_settings
from composition.telemetry.counting import Telemetry, process_metrics
from composition.telemetry.exposing import exposed

_log = logging.getLogger(__name__)

_SET = "It is set by environment variables or .env: see docs/settings.md."

Main = Callable[[AsyncContainer, Settings, Metrics], Awaitable[None]]
"""What a role does, until it is stopped."""


def resources(settings: Settings, role: str | None = None) -> Resources:
    """What a process of its own stands on. Raises SettingsError for a service that it needs to share, and lacks."""
    shared = {
        "POSTGRES_HOST or DATABASE_URL": settings.postgres_url,
        "REDIS_HOST or REDIS_URL": settings.redis,
        "KAFKA_HOST or KAFKA_BOOTSTRAP_SERVERS": settings.kafka,
    }
    for names, value in shared.items():
        if value is None:
            raise SettingsError(f"Set {names}; without it only `order-service up`, all in one process, can run.")
    assert settings.postgres_url is not None  # noqa: S101 - for the type checker: looked at above
    return Resources(database=settings.postgres_url, secret_key=secret_key(settings), role=role)


def takes_no_arguments(module: str, about: str | None) -> None:
    """But `--help`, which says what the process is for."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about, epilog=_SET)
    parser.parse_args()


@contextmanager
def starting() -> Iterator[Settings]:
    """A process's settings; it logs from here on, and a wrong one ends it with a line that names it."""
    tell_in_log("json")
    try:
        settings = read_settings()
        tell_in_log(settings.log_format or "json")
        yield settings
    except SettingsError as error:
        _log.critical("%s", error)
        sys.exit(1)


def leave_to_itself() -> None:
    """Tells the garbage collector that what is there by now stays: to look through all of it takes 100 ms."""
    gc.collect()
    gc.freeze()


def run(role: str, main: Main) -> None:
    """Runs `main` until it ends, or SIGTERM or SIGINT cancels it; then closes what it used."""
    takes_no_arguments(f"composition.{role}", sys.modules[main.__module__].__doc__)
    with starting() as settings:
        found, metrics = resources(settings, role), process_metrics()
        with exposed(role, settings, found.database, metrics):
            asyncio.run(_until_stopped(main, settings, found, Telemetry(metrics, role)))


@asynccontextmanager
async def container(
    settings: Settings, resources: Resources, telemetry: Telemetry, *more: Provider
) -> AsyncIterator[AsyncContainer]:
    opened = telemetry.container(settings, resources, *more)
    try:
        async with telemetry.beating():
            yield opened
    finally:
        await opened.close()


async def _until_stopped(main: Main, settings: Settings, found: Resources, telemetry: Telemetry) -> None:
    async with container(settings, found, telemetry) as opened:
        running = asyncio.ensure_future(main(opened, settings, telemetry.metrics))
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, running.cancel)
        try:
            await running
        except asyncio.CancelledError:
            return
