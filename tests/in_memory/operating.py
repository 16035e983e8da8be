"""Dead letters, what was done with them, and by whom, in memory."""

from collections.abc import Mapping, Sequence

from order_service.domain.errors import DeadLetterNotFound, DependencyUnavailable
from order_service.ports import DeadLetter, Deed, LetterPlace, Settlement
from tests.in_memory.system import others_run


class InMemoryDeadLetterBox:
    """`sent` are those that were put back. While it `is_away`, nothing answers; `cannot_send`: it is read only."""

    def __init__(self, *letters: DeadLetter) -> None:
        self._letters = {(letter.place.partition, letter.place.offset): letter for letter in letters}
        self.sent: list[DeadLetter] = []
        self.is_away = self.cannot_send = False

    async def newest(self, limit: int) -> Sequence[DeadLetter]:
        await self._answers()
        return sorted(self._letters.values(), key=lambda letter: letter.place.died_at, reverse=True)[:limit]

    async def get(self, partition: int, offset: int) -> DeadLetter:
        await self._answers()
        try:
            return self._letters[partition, offset]
        except KeyError:
            raise DeadLetterNotFound from None

    async def extent(self) -> Mapping[int, tuple[int, int]]:
        await self._answers()
        return {
            partition: (0, 1 + max(offset for other, offset in self._letters if other == partition))
            for partition, _ in self._letters
        }

    async def put_back(self, letter: DeadLetter) -> None:
        await self._answers()
        if self.cannot_send:
            raise DependencyUnavailable("Kafka")
        self.sent.append(letter)

    async def _answers(self) -> None:
        await others_run()
        if self.is_away:
            raise DependencyUnavailable("Kafka")


class InMemorySettledLetters:
    def __init__(self) -> None:
        self._places: dict[LetterPlace, Settlement] = {}

    async def among(self, places: Sequence[LetterPlace]) -> Mapping[LetterPlace, Settlement]:
        await others_run()
        return {place: self._places[place] for place in places if place in self._places}

    async def count(self, extent: Mapping[int, tuple[int, int]]) -> int:
        await others_run()
        ends = {place: extent.get(place.partition, (0, 0)) for place in self._places}
        return sum(first <= place.offset < end for place, (first, end) in ends.items())

    async def add(self, place: LetterPlace, settlement: Settlement) -> None:
        await others_run()
        self._places.setdefault(place, settlement)


class InMemoryDeeds:
    def __init__(self) -> None:
        self._done: list[Deed] = []

    async def add(self, deed: Deed) -> None:
        await others_run()
        self._done.append(deed)

    async def newest(self, limit: int) -> Sequence[Deed]:
        await others_run()
        return self._done[: -limit - 1 : -1]
