"""Passwords: argon2id, off the event loop and never too many at once."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import VerificationError

from order_service.domain.errors import TooBusy

_MOST_AT_ONCE = 128
"""Being made or waiting: those who come last wait a second or two, not minutes."""

_NICE = 10

Given = TypeVarTuple("Given")
Result = TypeVar("Result")


class Argon2Passwords:
    """Each hash costs about 20 ms and 19 MiB (OWASP's first choice); at most `parallel` are made at a time."""

    def __init__(self, *, parallel: int = 2) -> None:
        self._argon2 = Argon2(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="argon2", initializer=_give_way)
        self._at_once = 0
        # Checked against when there is no account, so that the answer takes as long as for one that there is.
        self._nobodys_hash = self._argon2.hash("")

    @property
    def in_hand(self) -> int:
        """Being made or waiting."""
        return self._at_once

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._argon2.hash, password)

    def is_outdated(self, password_hash: str) -> bool:
        return self._argon2.check_needs_rehash(password_hash)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        matches = await self._in_thread(self._matches, password_hash or self._nobodys_hash, password)
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except VerificationError:
            return False

    async def _in_thread(self, work: Callable[[*Given], Result], *given: *Given) -> Result:
        if self._at_once == _MOST_AT_ONCE:
            raise TooBusy
        self._at_once += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._at_once -= 1


def _give_way() -> None:
    """Where cores are short, to the event loop: it has others to answer. Linux alone lets a single thread do so."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
