"""The campaign: customers at work, the service killed again and again, and the account of it."""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.crash.checker import ALL_PROCESSED, ALL_RELAYED, figures, figures_at_rest, figures_of_lists
from tests.crash.customers import Customer, Diary
from tests.crash.service import Service
from tests.services.server import free_port

SETTLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Kill:
    """`after`: seconds since the start, or, `under_load`, since it was ready."""

    under_load: bool
    after: float
    database_goes_first: bool
    """Start again only when the database has ended, too; else at once, while it may still run."""


def first_starts(kills: int, chance: random.Random) -> list[Kill]:
    """Up to three, before there is anything: they meet initdb, the migrations and the first account."""
    return [_while_starting(chance, latest=2.5) for _ in range(min(3, kills // 3))]


def later_kills(kills: int, chance: random.Random) -> list[Kill]:
    """The first one under load; of all, about a third while the service starts."""
    while_starting = [_while_starting(chance, latest=1.6) for _ in range((kills + 1) // 3)]
    under_load = [_under_load(chance) for _ in range(kills - len(while_starting))]
    rest = [*while_starting, *under_load[1:]]
    chance.shuffle(rest)
    return [*under_load[:1], *rest]


def _while_starting(chance: random.Random, *, latest: float) -> Kill:
    return Kill(under_load=False, after=chance.uniform(0, latest), database_goes_first=chance.random() < 0.5)


def _under_load(chance: random.Random) -> Kill:
    return Kill(under_load=True, after=chance.uniform(0.1, 1.5), database_goes_first=chance.random() < 0.5)


async def run(folder: Path, *, kills: int, seed: int, clients: int) -> dict[str, float]:
    """Every figure, by name. The service has ended when this returns."""
    chance = random.Random(seed)
    at_first = first_starts(kills, chance)
    later = later_kills(kills - len(at_first), chance)
    service, diary = Service(folder, free_port()), Diary()
    customers = [
        Customer(service.address, diary, seed=seed + number, share_sent_twice=1.0 if number % 4 == 3 else 0.2)
        for number in range(clients)
    ]
    service.start()
    try:
        before_ready = await _carry_out(at_first, service)
        await service.until_ready()
        for customer in customers:
            await customer.register()
        before_ready += await _place_through(later, service, customers)
        found = await _settled(service, diary, customers)
    finally:
        service.stop()
    await service.until_database_has_followed()
    first, *restarts = service.seconds_to_ready
    return {
        "kills": len(at_first) + len(later),
        "kills before it was ready": before_ready,
        "retries": diary.retries,
        **found,
        "two copies with different answers": diary.differing_answers,
        "databases left running": service.databases_left_running,
        "seconds to ready, first": round(first, 2),
        "seconds to ready, median": round(statistics.median(restarts), 2),
        "seconds to ready, longest": round(max(restarts), 2),
    }


async def _place_through(kills: Sequence[Kill], service: Service, customers: Sequence[Customer]) -> int:
    """Everybody places orders during all of it; a customer who is refused ends the campaign."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        placing = [tasks.create_task(customer.place_until(stop)) for customer in customers]
        before_ready = await _carry_out(kills, service)
        await service.until_ready()
        await asyncio.sleep(1)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*placing), SETTLE_SECONDS)
    return before_ready


async def _carry_out(kills: Sequence[Kill], service: Service) -> int:
    """How many came before the service was ready. Afterwards it starts once more."""
    before_ready = 0
    for kill in kills:
        if kill.under_load:
            await service.until_ready()
            await asyncio.sleep(kill.after)
        elif not await service.is_ready_within(kill.after):
            before_ready += 1
        service.kill()
        if kill.database_goes_first:
            await service.until_database_has_followed()
        service.start()
    return before_ready


async def _settled(service: Service, diary: Diary, customers: Sequence[Customer]) -> dict[str, float]:
    """What tables and lists say when everything is quiet."""
    async with _database(service.database_home) as database:
        for settled in (ALL_PROCESSED, ALL_RELAYED):
            await _until(database, settled)
        lists = {customer.id: await customer.own_orders() for customer in customers}
        return {
            **await figures(database, diary.placings),
            **await figures_at_rest(database),
            **figures_of_lists(lists, diary.placings),
        }


async def _until(database: Any, condition: str) -> None:
    """Waits, but not for ever: what is not true by then, the figures will tell."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        if await database.fetchval(condition):
            return
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _database(home: Path) -> AsyncIterator[Any]:
    """A connection beside the service's own: over the socket, with the password that is kept beside the data."""
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
