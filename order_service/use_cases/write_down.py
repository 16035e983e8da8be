"""What is done with the machinery is written down before, so that nothing is done that is not."""

from datetime import datetime

from order_service.domain.actor import Actor
from order_service.ports import Clock, Deed, Deeds, Ids


class WriteDown:
    """A part of the use cases that change something there."""

    def __init__(self, deeds: Deeds, ids: Ids, clock: Clock) -> None:
        self._deeds = deeds
        self._ids = ids
        self._clock = clock

    async def __call__(self, what: str, subject: str, *, by: Actor) -> datetime:
        """When it was; what is asked for and refused then stands there, too."""
        at = self._clock.now()
        await self._deeds.add(Deed(id=self._ids.new(), at=at, by=by, what=what, subject=subject))
        return at
