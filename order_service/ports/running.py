"""What the service needs to run at all."""

from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
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


class LogPartitions(Protocol):
    """The event log by the month in which an order was placed, each named by its first day (in UTC).

    Events are told, read and written as if they were all in one. Either may do nothing while others are busy with the
    log, and is to be asked again.
    """

    async def make(self, first: date, last: date) -> int:
        """Makes room for the months from where there is room already, else from `first`, through `last`; how many."""

    async def detach(self, *, before: date) -> int:
        """Takes the oldest months, of those before, out of the log; how many.

        Up to the first of which an event has not been relayed, an answer may have to be given again, or a text is yet
        to be erased.
        """
