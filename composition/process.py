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
    return Resources(database=settings.postgres_url, secret_key=secret_key(settings))


def tell_in_log() -> None:
    """Lines of text on standard error, from warnings on; of our own modules more."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for ours in ("adapters", "composition", "order_service"):
        logging.getLogger(ours).setLevel(logging.INFO)
    # While Kafka is away its client says so many times a second; the relay and the consumer say it once a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def run(main: Callable[[AsyncContainer, Settings], Awaitable[None]]) -> None:
    """Runs `main` until it ends, or SIGTERM or SIGINT cancels it; then closes what it used."""
    tell_in_log()
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
