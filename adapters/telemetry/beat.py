"""The beat of a process: once a second it says that its event loop turns, and what there is to be sampled."""

import asyncio
import time
from collections.abc import Callable

from adapters.telemetry.metrics import Metrics

_SECONDS = 1.0


class Beat:
    """Of one event loop, called `loop`. It also knows what that loop has in hand: work that never ends is noticed."""

    def __init__(self, metrics: Metrics, loop: str) -> None:
        self._turned = metrics.loop_turned.labels(loop)
        self._delay = metrics.loop_delay.labels(loop)
        self._longest = metrics.longest_work.labels(loop)
        self._in_hand: dict[object, float] = {}
        self._samplers: list[Callable[[], None]] = []
        self.loop = loop
        self._turned.set(time.time())  # it is about to

    def sample(self, sampler: Callable[[], None]) -> None:
        """Asks `sampler` once a second, for as long as this beats."""
        self._samplers.append(sampler)

    def begins(self, work: object) -> None:
        """Such that comes to an end by itself, within a minute."""
        self._in_hand[work] = time.monotonic()

    def ends(self, work: object) -> None:
        del self._in_hand[work]

    async def forever(self) -> None:
        while True:
            began = time.monotonic()
            self._turned.set(time.time())
            self._longest.set(began - next(iter(self._in_hand.values()), began))  # the first of them is the oldest
            for sampler in self._samplers:
                sampler()
            await asyncio.sleep(_SECONDS)
            self._delay.set(max(0.0, time.monotonic() - began - _SECONDS))
