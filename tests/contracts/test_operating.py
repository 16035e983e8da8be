"""The promises of `Deeds` and `RedrivenLetters`."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.persistence.operating import SqlDeeds, SqlRedrivenLetters
from adapters.system import RandomIds
from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.ports import Deed, Deeds, LetterPlace, RedrivenLetters, Redriving
from tests.in_memory.operating import InMemoryDeeds, InMemoryRedrivenLetters

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
OTTO = Actor.account(uuid4(), Role.OPERATOR)


@pytest.fixture(params=["in memory", "PostgreSQL"])
def deeds(request: pytest.FixtureRequest) -> Deeds:
    return InMemoryDeeds() if request.param == "in memory" else SqlDeeds(request.getfixturevalue("engine"))


@pytest.fixture(params=["in memory", "PostgreSQL"])
def redriven(request: pytest.FixtureRequest) -> RedrivenLetters:
    if request.param == "in memory":
        return InMemoryRedrivenLetters()
    return SqlRedrivenLetters(request.getfixturevalue("engine"), topic="orders.dead_letter")


async def test_the_newest_deeds_come_first_with_who_did_them(deeds: Deeds) -> None:
    ids = RandomIds()
    done = [
        Deed(id=ids.new(), at=NOW, by=by, what="retry job", subject=str(n)) for n, by in enumerate([OTTO, SYSTEM])
    ]
    for deed in done:
        await deeds.add(deed)
    assert list(await deeds.newest(5)) == done[::-1]
    assert list(await deeds.newest(1)) == done[1:]


async def test_a_letter_is_known_to_be_redriven_by_whom_and_no_other_is(redriven: RedrivenLetters) -> None:
    here, elsewhere = LetterPlace(0, 7, NOW), LetterPlace(1, 7, NOW)
    anew = LetterPlace(0, 7, NOW + timedelta(milliseconds=1))  # the topic was made again
    await redriven.add(here, by=OTTO, at=NOW)
    assert await redriven.among([here, elsewhere, anew]) == {here: Redriving(by=OTTO, at=NOW)}
    assert await redriven.among([]) == {}


async def test_however_many_letters_are_kept_it_is_known_which_were_redriven(redriven: RedrivenLetters) -> None:
    places = [LetterPlace(0, offset, NOW) for offset in range(40_000)]
    await redriven.add(places[7], by=OTTO, at=NOW)
    assert list(await redriven.among(places)) == [places[7]]


async def test_it_is_redriven_no_second_time(redriven: RedrivenLetters) -> None:
    for by in (OTTO, SYSTEM):
        await redriven.add(LetterPlace(0, 7, NOW), by=by, at=NOW)
    assert await redriven.count({0: (0, 8)}) == 1


async def test_those_are_counted_that_are_kept_still(redriven: RedrivenLetters) -> None:
    for partition, offset in [(0, 1), (0, 2), (0, 3), (1, 2)]:
        await redriven.add(LetterPlace(partition, offset, NOW), by=OTTO, at=NOW)
    assert await redriven.count({0: (2, 4), 2: (0, 9)}) == 2
    assert await redriven.count({}) == 0
