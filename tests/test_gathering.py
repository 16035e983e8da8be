"""Many who ask at the same time, and what is done for all of them together."""

import asyncio
from collections.abc import Sequence

import pytest

from adapters.gathering import Gathering


class Doubling:
    """Doubles numbers; 13 is no number, and with a 0 nothing works. `go` lets it begin."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append(list(numbers))
        await self.go.wait()
        if 0 in numbers:
            raise ZeroDivisionError
        return [ValueError(number) if number == 13 else 2 * number for number in numbers]


@pytest.fixture
def doubling() -> Doubling:
    return Doubling()


async def test_who_asks_alone_is_answered_alone(doubling: Doubling) -> None:
    double = Gathering(doubling, most=10, at_once=1)
    assert [await double(1), await double(2)] == [2, 4]
    assert doubling.groups == [[1], [2]]


async def test_who_ask_at_the_same_time_are_answered_together(doubling: Doubling) -> None:
    double = Gathering(doubling, most=3, at_once=1)
    assert await asyncio.gather(*map(double, range(1, 8))) == [2, 4, 6, 8, 10, 12, 14]
    assert doubling.groups == [[1, 2, 3], [4, 5, 6], [7]]


async def test_what_comes_meanwhile_gathers(doubling: Doubling) -> None:
    doubling.go.clear()
    double = Gathering(doubling, most=10, at_once=2)
    asking = []
    for number in range(1, 6):
        asking.append(asyncio.ensure_future(double(number)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    doubling.go.set()
    assert await asyncio.gather(*asking) == [2, 4, 6, 8, 10]
    assert doubling.groups == [[1], [2], [3, 4, 5]]


async def test_who_asks_for_the_impossible_fails_alone(doubling: Doubling) -> None:
    double = Gathering(doubling, most=10, at_once=1)
    answers = await asyncio.gather(*map(double, (1, 13, 2)), return_exceptions=True)
    assert (answers[0], answers[2]) == (2, 4)
    assert isinstance(answers[1], ValueError)


async def test_what_fails_as_a_whole_fails_for_all_of_them_and_for_nobody_after_them(doubling: Doubling) -> None:
    double = Gathering(doubling, most=2, at_once=1)
    answers = await asyncio.gather(*map(double, (1, 0, 2)), return_exceptions=True)
    assert isinstance(answers[0], ZeroDivisionError)
    assert isinstance(answers[1], ZeroDivisionError)
    assert answers[2] == 4


async def test_who_gives_up_harms_nobody(doubling: Doubling) -> None:
    doubling.go.clear()
    double = Gathering(doubling, most=10, at_once=1)
    first, second, third, fourth = (asyncio.ensure_future(double(number)) for number in (1, 2, 3, 4))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.ensure_future(double(5)), asyncio.ensure_future(double(6))
    await asyncio.sleep(0)
    first.cancel()
    late[0].cancel()
    doubling.go.set()
    answers = await asyncio.gather(second, third, fourth, late[1])
    assert list(answers) == [4, 6, 8, 12]
    assert first.cancelled()
    assert doubling.groups == [[1, 2, 3, 4], [6]]  # who had not been begun with was not done


async def test_at_the_end_all_is_done_that_was_asked(doubling: Doubling) -> None:
    doubling.go.clear()
    double = Gathering(doubling, most=1, at_once=2)
    asking = [asyncio.ensure_future(double(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(doubling.go.set)
    await double.close()
    assert await asyncio.gather(*asking) == [2, 4, 6]
