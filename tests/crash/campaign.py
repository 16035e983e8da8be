"""The campaign: customers at work, the service killed again and again, and the account of it."""

import asyncio
import random
import socket
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from tests.crash.checker import ALL_PROCESSED, ALL_RELAYED, figures
from tests.crash.customers import Customer, Diary
from tests.crash.service import Service

SETTLE_SECONDS = 60
SHARE_OF_KILLS_WHILE_STARTING = 0.25


async def run(folder: Path, *, kills: int, seed: int, clients: int) -> dict[str, float]:
    """Every figure, by name. The service has ended when this returns."""
    chance = random.Random(seed)
    service, diary = Service(folder, free_port()), Diary()
    service.start()
    try:
        await service.until_ready()
        customers = [Customer(service.address, diary, seed=seed + number) for number in range(clients)]
        for customer in customers:
            await customer.register()
        stop = asyncio.Event()
        placing = [asyncio.create_task(customer.place_until(stop)) for customer in customers]
        await _kill_again_and_again(service, kills, chance)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*placing), SETTLE_SECONDS)
        async with _database(folder) as database:
            for settled in (ALL_PROCESSED, ALL_RELAYED):
                await _until(database, settled)
            found: dict[str, float] = dict(await figures(database, diary.placings))
    finally:
        service.stop()
    ready = service.seconds_to_ready
    return {
        "kills": kills,
        "retries": diary.retries,
        **found,
        "two copies with different answers": diary.differing_answers,
        "seconds to ready, median": round(statistics.median(ready), 2),
        "seconds to ready, longest": round(max(ready), 2),
    }


async def _kill_again_and_again(service: Service, kills: int, chance: random.Random) -> None:
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.1, 1.5))  # under load
        service.kill()
        service.start()
        if chance.random() < SHARE_OF_KILLS_WHILE_STARTING:
            await asyncio.sleep(chance.uniform(0, 2))
            service.kill()
            service.start()
        await service.until_ready()
    await asyncio.sleep(1)


async def _until(database: Any, condition: str) -> None:
    """Waits, but not for ever: what is not true by then, the figures will tell."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        if await database.fetchval(condition):
            return
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _database(folder: Path) -> AsyncIterator[Any]:
    """A connection beside the service's own: over the socket, with the password that is kept beside the data."""
    postgres = folder / "var" / "postgres"
    location = postgres / "location"
    home = Path(location.read_text().strip()) if location.exists() else postgres
    connection = await asyncpg.connect(
        host=str((home / "socket").resolve()),
        port=5432,
        user="order_service",
        password=(home / "password").read_text().strip(),
        database="postgres",
    )
    try:
        yield connection
    finally:
        await connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
