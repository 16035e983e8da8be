"""See which messages could not be handled."""

from collections.abc import Sequence
from dataclasses import dataclass

from order_service.domain.actor import Actor, Scope
from order_service.ports import DeadLetter, DeadLetterBox, SettledLetters, Settlement
from order_service.use_cases.administration import require_operator


@dataclass(frozen=True, slots=True)
class ListedLetter:
    """`settlement` is None for a letter that waits still."""

    letter: DeadLetter
    settlement: Settlement | None

    @property
    def is_settled(self) -> bool:
        return self.settlement is not None


class ListDeadLetters:
    """Staff, and whoever runs the service: the newest first. Raises InsufficientScope, NotAllowed."""

    def __init__(self, letters: DeadLetterBox, settled: SettledLetters) -> None:
        self._letters = letters
        self._settled = settled

    async def __call__(self, *, limit: int, by: Actor) -> Sequence[ListedLetter]:
        require_operator(by, scope=Scope.ORDERS_READ)
        return await self._listed(await self._letters.newest(limit))

    async def one(self, partition: int, offset: int, *, by: Actor) -> ListedLetter:
        """By where it lies. Raises DeadLetterNotFound as well."""
        require_operator(by, scope=Scope.ORDERS_READ)
        [listed] = await self._listed([await self._letters.get(partition, offset)])
        return listed

    async def _listed(self, letters: Sequence[DeadLetter]) -> Sequence[ListedLetter]:
        settled = await self._settled.among([letter.place for letter in letters])
        return [ListedLetter(letter, settled.get(letter.place)) for letter in letters]
