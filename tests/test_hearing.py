"""A batch of records: what waits for what, and what becomes of those that fail."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.kafka.hearing import Hearing
from adapters.kafka.messages import Poison
from order_service.domain.errors import DependencyUnavailable, OrderNotFound


@dataclass(frozen=True, slots=True)
class Told:
    """As much of a record as is looked at."""

    key: bytes | None
    offset: int
    partition: int = 0
    topic: str = "payments"


@dataclass
class Ear:
    """Hears each record as `fails` says, by offset: one failure a try. `heard` are the offsets that took effect."""

    fails: dict[int, list[Exception]] = field(default_factory=dict)
    heard: list[int] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)
    meets: Callable[[Told], Awaitable[object]] | None = None

    async def __call__(self, record: Told) -> None:
        self.tried.append(record.offset)
        if self.meets is not None:
            await self.meets(record)
        if self.fails.get(record.offset):
            raise self.fails[record.offset].pop(0)
        self.heard.append(record.offset)


@dataclass
class KeptLetters:
    kept: list[tuple[int, str]] = field(default_factory=list)
    gone: int = 0

    async def put(self, record: Any, *, cause: str, detail: str) -> None:
        if self.gone:
            self.gone -= 1
            raise DependencyUnavailable("Kafka")
        assert detail
        self.kept.append((record.offset, cause))


@pytest.fixture
def letters() -> KeptLetters:
    return KeptLetters()


def gone() -> DependencyUnavailable:
    return DependencyUnavailable("PostgreSQL")


async def test_records_of_different_orders_are_heard_at_the_same_time(letters: KeptLetters) -> None:
    all_there = asyncio.Barrier(3)
    ear = Ear(meets=lambda _: all_there.wait())
    async with asyncio.timeout(5):
        await Hearing(ear, letters)([Told(b"one", 1), Told(b"two", 2), Told(b"three", 3)])
    assert sorted(ear.heard) == [1, 2, 3]


@pytest.mark.parametrize("key", [b"one", None], ids=["of one key", "without a key"])
async def test_records_of_one_order_are_heard_one_after_the_other(letters: KeptLetters, key: bytes | None) -> None:
    under_way = 0

    async def alone(_: Told) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0)
        under_way -= 1

    ear = Ear(meets=alone)
    await Hearing(ear, letters)([Told(key, offset) for offset in range(20)])
    assert ear.heard == list(range(20))


async def test_a_bad_one_is_a_dead_letter_and_the_next_of_its_order_follows(letters: KeptLetters) -> None:
    ear = Ear({1: [Poison("not-json", "What is it?")], 2: [OrderNotFound()], 3: [ValueError()] * 3})
    await Hearing(ear, letters)([Told(b"one", offset) for offset in range(1, 5)])
    assert letters.kept == [(1, "not-json"), (2, "order-not-found"), (3, "unexpected-error")]
    assert ear.heard == [4]


async def test_the_victim_of_a_bug_is_tried_again(letters: KeptLetters) -> None:
    ear = Ear({1: [ValueError(), ValueError()]})
    await Hearing(ear, letters)([Told(b"one", 1), Told(b"two", 2)])
    assert (ear.heard, letters.kept) == ([2, 1], [])


async def test_a_dependency_that_is_gone_is_waited_for_and_nothing_overtakes(letters: KeptLetters) -> None:
    ear = Ear({1: [gone(), gone()]})
    await Hearing(ear, letters)([Told(b"one", 1), Told(b"one", 2), Told(b"two", 3)])
    assert ear.heard == [3, 1, 2]
    assert ear.tried == [1, 3, 1, 1, 2]  # what took effect is not done again


async def test_dead_letters_that_cannot_be_kept_yet_are_not_lost(letters: KeptLetters) -> None:
    letters.gone = 2
    ear = Ear({1: [Poison("not-json", "What is it?")] * 3})
    await Hearing(ear, letters)([Told(b"one", 1), Told(b"one", 2)])
    assert (letters.kept, ear.heard) == ([(1, "not-json")], [2])


async def test_who_waits_too_long_gives_the_batch_back(letters: KeptLetters) -> None:
    ear = Ear({1: [gone() for _ in range(100)]})
    with pytest.raises(DependencyUnavailable):
        await Hearing(ear, letters, patience=0.15)([Told(b"one", 1), Told(b"one", 2), Told(b"two", 3)])
    assert (ear.heard, letters.kept) == ([3], [])


async def test_who_is_stopped_stops_all_of_it(letters: KeptLetters) -> None:
    begun, stopped = asyncio.Barrier(3), []

    async def long(record: Told) -> None:
        try:
            await begun.wait()
            await asyncio.Event().wait()
        finally:
            stopped.append(record.offset)

    hearing = asyncio.ensure_future(Hearing(Ear(meets=long), letters)([Told(b"one", 1), Told(b"two", 2)]))
    await begun.wait()
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    assert sorted(stopped) == [1, 2]


async def test_what_nobody_foresaw_leaves_none_behind(letters: KeptLetters) -> None:
    async def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    letters.put = break_down  # type: ignore[method-assign]  # a broken one
    ear = Ear({1: [Poison("not-json", "What is it?")]}, meets=lambda record: asyncio.sleep(0.01 * record.offset))
    with pytest.raises(ExceptionGroup):
        await Hearing(ear, letters)([Told(b"one", 1), *(Told(b"two", offset) for offset in range(2, 6))])
    tried = list(ear.tried)
    await asyncio.sleep(0.05)
    assert ear.tried == tried
