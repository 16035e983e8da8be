"""In the process itself: where accounts were logged in from. Forgotten with the process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

_MOST_PLACES = 100_000


class InProcessKnownOrigins:
    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known_until: OrderedDict[str, float] = OrderedDict()

    async def has(self, place: str) -> bool:
        return self._now() < self._known_until.get(place, 0)

    async def remember(self, place: str, *, lifetime: timedelta) -> None:
        self._known_until[place] = self._now() + lifetime.total_seconds()
        self._known_until.move_to_end(place)
        if len(self._known_until) > _MOST_PLACES:
            self._known_until.popitem(last=False)
