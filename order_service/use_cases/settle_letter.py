"""Each dead letter is settled once, and who did it is written down before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from order_service.domain.actor import Actor
from order_service.domain.errors import LetterSettled
from order_service.ports import DeadLetter, Leases, LetterOutcome, SettledLetters, Settlement
from order_service.use_cases.write_down import WriteDown

_DEEDS = {LetterOutcome.REDRIVEN: "redrive letter", LetterOutcome.DISMISSED: "dismiss letter"}


class SettleLetter:
    """A part of RedriveLetter and DismissLetter."""

    def __init__(self, settled: SettledLetters, leases: Leases, write_down: WriteDown) -> None:
        self._settled = settled
        self._leases = leases
        self._write_down = write_down

    @asynccontextmanager
    async def __call__(self, letter: DeadLetter, how: LetterOutcome, *, by: Actor) -> AsyncIterator[None]:
        """The letter is settled when what is done within went well. Raises LetterSettled before."""
        place = letter.place
        async with self._leases.hold("dead letters"):
            if await self._settled.among([place]):
                raise LetterSettled
            # Of a letter that is not ours it may say anything.
            origin = f", from {letter.topic}/{letter.partition}@{letter.offset}" if letter.heard else ""
            at = await self._write_down(_DEEDS[how], f"{place.partition}@{place.offset}{origin}", by=by)
            yield
            await self._settled.add(place, Settlement(how=how, by=by, at=at))
