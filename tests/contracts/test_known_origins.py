"""The promises of `KnownOrigins`. To hold another adapter to them, add it to `ORIGINS`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from adapters.embedded.known_origins import InProcessKnownOrigins
from adapters.redis.known_origins import RedisKnownOrigins
from order_service.ports import KnownOrigins

A_SHORT_WHILE = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True)
class Memory:
    """`wait` lets that many seconds pass for the memory: by a clock of its own, or in earnest."""

    origins: KnownOrigins
    wait: Callable[[float], Awaitable[None]]


def in_process() -> Memory:
    now = 1_000.0

    async def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    return Memory(InProcessKnownOrigins(now=lambda: now), wait)


ORIGINS: dict[str, Callable[[], Memory]] = {"in process": in_process}


@pytest.fixture(params=[*ORIGINS, "Redis"])
def memory(request: pytest.FixtureRequest) -> Memory:
    if request.param == "Redis":  # which goes by a clock of its own
        return Memory(RedisKnownOrigins(request.getfixturevalue("redis")), asyncio.sleep)
    return ORIGINS[request.param]()


async def test_what_is_remembered_is_known_and_nothing_else_is(memory: Memory) -> None:
    await memory.origins.remember("here", lifetime=timedelta(days=30))
    assert await memory.origins.has("here")
    assert not await memory.origins.has("there")


async def test_it_is_forgotten_after_its_lifetime(memory: Memory) -> None:
    await memory.origins.remember("here", lifetime=A_SHORT_WHILE)
    await memory.wait(A_SHORT_WHILE.total_seconds() * 1.5)
    assert not await memory.origins.has("here")


async def test_the_lifetime_begins_anew_each_time(memory: Memory) -> None:
    await memory.origins.remember("here", lifetime=A_SHORT_WHILE)
    await memory.origins.remember("here", lifetime=timedelta(days=30))
    await memory.wait(A_SHORT_WHILE.total_seconds() * 1.5)
    assert await memory.origins.has("here")
