"""Which months of the event log there are, and which leave it."""

from datetime import UTC, date, datetime

from order_service.use_cases.partition_event_log import LogRules, PartitionEventLog
from tests.in_memory.system import SettableClock


class Months:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.made: tuple[date, date] | None = None
        self.left_before: date | None = None

    async def make(self, first: date, last: date) -> int:
        self.made = (first, last)
        return 2

    async def detach(self, *, before: date) -> int:
        self.left_before = before
        return 1


async def asked_at(at: datetime, kept: int | None) -> tuple[Months, int]:
    months = Months()
    return months, await PartitionEventLog(months, LogRules(months_kept=kept), SettableClock(at))()


async def test_there_is_room_for_this_month_and_the_two_after_it_and_all_are_kept_unless_said_otherwise() -> None:
    for at, last in (
        (datetime(2026, 1, 31, 23, 59, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 11, 1, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 12, 31, tzinfo=UTC), date(2029, 2, 1)),
    ):
        months, count = await asked_at(at, None)
        assert months.made == (at.date().replace(day=1), last)
        assert (months.left_before, count) == (None, 2)


async def test_so_many_whole_months_are_kept_beside_the_current_one() -> None:
    for at, kept, before in (
        (datetime(2026, 3, 31, tzinfo=UTC), 1, date(2026, 2, 1)),
        (datetime(2026, 3, 1, tzinfo=UTC), 3, date(2025, 12, 1)),
        (datetime(2026, 3, 31, tzinfo=UTC), 24, date(2024, 3, 1)),
    ):
        months, count = await asked_at(at, kept)
        assert (months.left_before, count) == (before, 3)
