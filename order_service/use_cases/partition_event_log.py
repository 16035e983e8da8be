"""Keep the event log in months: those to come are made in time, those of long ago leave it."""

from dataclasses import dataclass

from order_service.domain.months import month_after, month_before, month_of
from order_service.ports import Clock, LogPartitions

_AHEAD = 2
"""Months that are there before their first order, so that nothing depends on whether this runs at midnight."""


@dataclass(frozen=True, slots=True)
class LogRules:
    """For how many months, beside the current one, the events of the orders placed in it are kept; None: for ever."""

    months_kept: int | None


class PartitionEventLog:
    """The service itself, from time to time."""

    def __init__(self, partitions: LogPartitions, rules: LogRules, clock: Clock) -> None:
        self._partitions = partitions
        self._rules = rules
        self._clock = clock

    async def __call__(self) -> int:
        """How many months were made or left the log; of the latter only those that nobody needs any more."""
        this_month = month_of(self._clock.now().date())
        made = await self._partitions.make(this_month, month_after(this_month, _AHEAD))
        if self._rules.months_kept is None:
            return made
        return made + await self._partitions.detach(before=month_before(this_month, self._rules.months_kept))
