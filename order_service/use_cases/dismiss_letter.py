"""Say of a message that could not be handled that it need not be."""

from order_service.domain.actor import Actor, Scope
from order_service.ports import DeadLetterBox, LetterOutcome
from order_service.use_cases.administration import require_operator
from order_service.use_cases.settle_letter import SettleLetter


class DismissLetter:
    """Staff, and whoever runs the service: it waits no longer, and stays where it is until its topic forgets it.

    Raises InsufficientScope, NotAllowed, DeadLetterNotFound, LetterSettled.
    """

    def __init__(self, letters: DeadLetterBox, settle: SettleLetter) -> None:
        self._letters = letters
        self._settle = settle

    async def __call__(self, partition: int, offset: int, *, by: Actor) -> None:
        """The letter, by where it lies among the dead ones."""
        require_operator(by, scope=Scope.ORDERS_WRITE)
        letter = await self._letters.get(partition, offset)
        async with self._settle(letter, LetterOutcome.DISMISSED, by=by):
            pass  # there is nothing to be done with it
