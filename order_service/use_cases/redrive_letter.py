"""Have a message heard again that could not be handled."""

from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import LetterCut, LetterFromElsewhere, LetterRedriven
from order_service.ports import Clock, DeadLetter, DeadLetterBox, Deed, Deeds, Ids, Leases, RedrivenLetters
from order_service.use_cases.administration import require_operator


class RedriveLetter:
    """Staff, and whoever runs the service: each letter once, unless this ends between sending it and noting that.

    Raises InsufficientScope, NotAllowed, DeadLetterNotFound, LetterFromElsewhere, LetterCut,
    LetterRedriven.
    """

    def __init__(
        self,
        letters: DeadLetterBox,
        redriven: RedrivenLetters,
        leases: Leases,
        deeds: Deeds,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._redriven = redriven
        self._leases = leases
        self._deeds = deeds
        self._ids = ids
        self._clock = clock

    async def __call__(self, partition: int, offset: int, *, by: Actor) -> DeadLetter:
        """The letter, by where it lies among the dead ones."""
        require_operator(by, scope=Scope.ORDERS_WRITE)
        letter = await self._letters.get(partition, offset)
        if not letter.heard:
            raise LetterFromElsewhere
        if letter.cut:
            raise LetterCut
        async with self._leases.hold("dead letters"):
            if await self._redriven.among([letter.place]):
                raise LetterRedriven
            at = self._clock.now()
            subject = f"{partition}@{offset}, from {letter.topic}/{letter.partition}@{letter.offset}"
            await self._deeds.add(Deed(id=self._ids.new(), at=at, by=by, what="redrive letter", subject=subject))
            await self._letters.put_back(letter)
            await self._redriven.add(letter.place, by=by, at=at)
        return letter
