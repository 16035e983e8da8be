"""The promises of `Deeds` and `SettledLetters`."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.persistence.operating import SqlDeeds, SqlSettledLetters
from adapters.system import RandomIds
from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.ports import Deed, Deeds, LetterOutcome, LetterPlace, SettledLetters, Settlement
from tests.in_memory.operating import InMemoryDeeds, InMemorySettledLetters

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
OTTO = Actor.account(uuid4(), Role.OPERATOR)
REDRIVEN = Settlement(how=LetterOutcome.REDRIVEN, by=OTTO, at=NOW)
DISMISSED = Settlement(how=LetterOutcome.DISMISSED, by=SYSTEM, at=NOW)


@pytest.fixture(params=["in memory", "PostgreSQL"])
def deeds(request: pytest.FixtureRequest) -> Deeds:
    return InMemoryDeeds() if request.param == "in memory" else SqlDeeds(request.getfixturevalue("engine"))


@pytest.fixture(params=["in memory", "PostgreSQL"])
def settled(request: pytest.FixtureRequest) -> SettledLetters:
    if request.param == "in memory":
        return InMemorySettledLetters()
    return SqlSettledLetters(request.getfixturevalue("engine"), topic="orders.dead_letter")


async def test_the_newest_deeds_come_first_with_who_did_them(deeds: Deeds) -> None:
    ids = RandomIds()
    done = [
        Deed(id=ids.new(), at=NOW, by=by, what="retry job", subject=str(n)) for n, by in enumerate([OTTO, SYSTEM])
    ]
    for deed in done:
        await deeds.add(deed)
    assert list(await deeds.newest(5)) == done[::-1]
    assert list(await deeds.newest(1)) == done[1:]


async def test_it_is_known_what_was_done_with_a_letter_and_by_whom_and_with_no_other(settled: SettledLetters) -> None:
    here, elsewhere = LetterPlace(0, 7, NOW), LetterPlace(1, 7, NOW)
    anew = LetterPlace(0, 7, NOW + timedelta(milliseconds=1))  # the topic was made again
    await settled.add(here, DISMISSED)
    assert await settled.among([here, elsewhere, anew]) == {here: DISMISSED}
    assert await settled.among([]) == {}


async def test_however_many_letters_are_kept_it_is_known_which_are_settled(settled: SettledLetters) -> None:
    places = [LetterPlace(0, offset, NOW) for offset in range(40_000)]
    await settled.add(places[7], REDRIVEN)
    assert list(await settled.among(places)) == [places[7]]


async def test_it_is_settled_no_second_time(settled: SettledLetters) -> None:
    place = LetterPlace(0, 7, NOW)
    for settlement in (REDRIVEN, DISMISSED):
        await settled.add(place, settlement)
    assert await settled.among([place]) == {place: REDRIVEN}
    assert await settled.count({0: (0, 8)}) == 1


async def test_those_are_counted_that_are_kept_still(settled: SettledLetters) -> None:
    for partition, offset in [(0, 1), (0, 2), (0, 3), (1, 2)]:
        await settled.add(LetterPlace(partition, offset, NOW), REDRIVEN)
    assert await settled.count({0: (2, 4), 2: (0, 9)}) == 2
    assert await settled.count({}) == 0
