"""Waiting for what other processes do: by looking, and never for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 30


async def until(condition: Callable[[], Awaitable[bool]], *, patience: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not await condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.05)
