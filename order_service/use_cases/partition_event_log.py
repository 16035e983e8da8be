"""Keep the event log in months: those to come are made in time, those of long ago leave it."""

from dataclasses import dataclass
from datetime import date, timedelta

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
        this_month = self._clock.now().date().replace(day=1)
        made = await self._partitions.make(this_month, _later(this_month, _AHEAD))
        if self._rules.months_kept is None:
            return made
        return made + await self._partitions.detach(before=_earlier(this_month, self._rules.months_kept))


def _later(month: date, months: int) -> date:
    for _ in range(months):
        month = (month + timedelta(days=31)).replace(day=1)
    return month


def _earlier(month: date, months: int) -> date:
    for _ in range(months):
        month = (month - timedelta(days=1)).replace(day=1)
    return month
