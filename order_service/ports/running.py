"""What the service needs to run at all."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


class Ids(Protocol):
    def new(self) -> UUID:
        """A version 7 UUID: unique, and later ones sort behind earlier ones."""

    def new_order_number(self) -> str: ...

    def new_secret(self) -> bytes:
        """256 bits that nobody can guess."""


class Leases(Protocol):
    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody else, anywhere, holds `name` meanwhile; waits until another holder is gone."""


class OldRecords(Protocol):
    async def forget(self, *, answered_before: datetime, heard_before: datetime, expired_before: datetime) -> int:
        """Deletes records of answered requests, heard messages and expired sessions that are older; how many."""
