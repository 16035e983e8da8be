"""What every process of its own has in common: settings, container, an orderly end."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from dishka import AsyncContainer

from composition.container import Resources, make_container
from composition.secret import secret_key
from composition.settings import Settings, SettingsError, read_settings


def resources(settings: Settings) -> Resources:
    """Raises SettingsError without a PostgreSQL: processes of their own cannot share an embedded one."""
    if settings.postgres_url is None:
        raise SettingsError("Set POSTGRES_HOST or DATABASE_URL; without them only `order-service up` can run.")
    return Resources(database=settings.postgres_url, secret_key=secret_key(settings))


def run(main: Callable[[AsyncContainer, Settings], Awaitable[None]]) -> None:
    """Runs `main` until it ends, or SIGTERM or SIGINT cancels it; then closes what it used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings()
        asyncio.run(_until_stopped(main, settings, resources(settings)))
    except SettingsError as error:
        sys.exit(f"order-service: {error}")


@asynccontextmanager
async def container(settings: Settings, resources: Resources) -> AsyncIterator[AsyncContainer]:
    opened = make_container(settings, resources)
    try:
        yield opened
    finally:
        await opened.close()


async def _until_stopped(
    main: Callable[[AsyncContainer, Settings], Awaitable[None]], settings: Settings, found: Resources
) -> None:
    async with container(settings, found) as opened:
        running = asyncio.ensure_future(main(opened, settings))
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, running.cancel)
        try:
            await running
        except asyncio.CancelledError:
            return
