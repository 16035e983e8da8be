"""Watching: each use case is seen at each call, and does not notice."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from composition.telemetry.watching import Around, Watch, together, watched
from composition.use_cases import USE_CASES


class Clock:
    def __init__(self, hour: int) -> None:
        self._hour = hour


class TellTime:
    """Tells it."""

    def __init__(self, clock: Clock, *, late: bool = False) -> None:
        self.clock = clock
        self.late = late

    async def __call__(self, place: str) -> str:
        if self.late:
            raise ValueError(place)
        return f"noon in {place}"


def _noting(seen: list[str], who: str) -> Watch:
    def watch(use_case: type) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def around() -> Iterator[None]:
            seen.append(f"{who} sees {use_case.__name__}")
            try:
                yield
            except ValueError:
                seen.append(f"{who} sees it fail")
                raise

        return around

    return watch


async def test_each_watch_is_around_each_call_and_the_first_is_the_outermost() -> None:
    seen: list[str] = []
    tell_time = watched(TellTime, [_noting(seen, "one"), _noting(seen, "two")])(Clock(12))
    assert await tell_time("Turku") == "noon in Turku"
    assert seen == ["one sees TellTime", "two sees TellTime"]


async def test_a_failure_is_seen_and_passes_on() -> None:
    seen: list[str] = []
    tell_time = watched(TellTime, [_noting(seen, "one")])(Clock(12), late=True)
    with pytest.raises(ValueError, match="Turku"):
        await tell_time("Turku")
    assert seen == ["one sees TellTime", "one sees it fail"]


def test_who_is_watched_is_what_it_was() -> None:
    seen = watched(TellTime, [_noting([], "one")])
    assert issubclass(seen, TellTime)
    assert (seen.__name__, seen.__module__, seen.__doc__) == ("TellTime", __name__, "Tells it.")


def test_who_is_not_watched_is_left_alone() -> None:
    assert watched(TellTime, []) is TellTime


def test_every_use_case_can_be_watched() -> None:
    for use_case in USE_CASES:
        assert issubclass(watched(use_case, [_noting([], "one")]), use_case)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_any_number_can_be_around_one_thing(number: int) -> None:
    seen: list[str] = []

    def around(who: int) -> Around[str]:
        @contextmanager
        def noted(subject: str) -> Iterator[None]:
            seen.append(f"{who} {subject}")
            yield

        return noted

    with together([around(who) for who in range(number)])("order"):
        pass
    assert seen == [f"{who} order" for who in range(number)]
