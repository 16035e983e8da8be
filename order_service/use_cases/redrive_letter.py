"""Have a message heard again that could not be handled."""

from order_service.domain.actor import Actor, Scope
from order_service.domain.errors import LetterCut, LetterFromElsewhere
from order_service.ports import DeadLetter, DeadLetterBox, LetterOutcome
from order_service.use_cases.administration import require_operator
from order_service.use_cases.settle_letter import SettleLetter


class RedriveLetter:
    """Staff, and whoever runs the service: each letter once, unless this ends between sending it and noting that.

    Raises InsufficientScope, NotAllowed, DeadLetterNotFound, LetterFromElsewhere, LetterCut,
    LetterSettled.
    """

    def __init__(self, letters: DeadLetterBox, settle: SettleLetter) -> None:
        self._letters = letters
        self._settle = settle

    async def __call__(self, partition: int, offset: int, *, by: Actor) -> DeadLetter:
        """The letter, by where it lies among the dead ones."""
        require_operator(by, scope=Scope.ORDERS_WRITE)
        letter = await self._letters.get(partition, offset)
        if not letter.heard:
            raise LetterFromElsewhere
        if letter.cut:
            raise LetterCut
        async with self._settle(letter, LetterOutcome.REDRIVEN, by=by):
            await self._letters.put_back(letter)
        return letter
