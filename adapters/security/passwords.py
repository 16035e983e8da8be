"""Passwords: argon2id, off the event loop and never too many at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import VerificationError


class Argon2Passwords:
    """Each hash costs about 20 ms and 19 MiB (OWASP's first choice); at most `parallel` are made at a time."""

    def __init__(self, *, parallel: int = 2) -> None:
        self._argon2 = Argon2(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="argon2")
        # Checked against when there is no account, so that the answer takes as long as for one that there is.
        self._nobodys_hash = self._argon2.hash("")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._argon2.hash, password)

    def is_outdated(self, password_hash: str) -> bool:
        return self._argon2.check_needs_rehash(password_hash)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        matches = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._matches, password_hash or self._nobodys_hash, password
        )
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except VerificationError:
            return False
