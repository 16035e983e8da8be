"""Have a message heard again that could not be handled."""

from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import LetterCut, LetterFromElsewhere, LetterRedriven
from order_service.ports import DeadLetter, DeadLetterBox, Leases, RedrivenLetters
from order_service.use_cases.administration import require_operator
from order_service.use_cases.write_down import WriteDown


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
        write_down: WriteDown,
    ) -> None:
        self._letters = letters
        self._redriven = redriven
        self._leases = leases
        self._write_down = write_down

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
            subject = f"{partition}@{offset}, from {letter.topic}/{letter.partition}@{letter.offset}"
            at = await self._write_down("redrive letter", subject, by=by)
            await self._letters.put_back(letter)
            await self._redriven.add(letter.place, by=by, at=at)
        return letter
