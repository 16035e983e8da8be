"""What operators see of the machinery, and mend."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from adapters.embedded.events import InProcessJobs
from order_service.domain.actor import SYSTEM, Actor, ActorKind, Role, Scope
from order_service.domain.errors import (
    DeadLetterNotFound,
    DependencyUnavailable,
    InsufficientScope,
    JobNotFound,
    LetterCut,
    LetterFromElsewhere,
    LetterSettled,
    NotAllowed,
)
from order_service.ports import DeadLetter, LetterOutcome, LetterPlace, RelayLag
from order_service.use_cases.dismiss_letter import DismissLetter
from order_service.use_cases.list_dead_letters import ListDeadLetters
from order_service.use_cases.list_deeds import ListDeeds
from order_service.use_cases.redrive_letter import RedriveLetter
from order_service.use_cases.retry_job import RetryJob
from order_service.use_cases.see_machinery import SeeMachinery
from order_service.use_cases.settle_letter import SettleLetter
from order_service.use_cases.write_down import WriteDown
from tests.in_memory.operating import InMemoryDeadLetterBox, InMemoryDeeds, InMemorySettledLetters
from tests.in_memory.system import SequentialIds, SettableClock

OTTO = Actor.account(uuid4(), Role.OPERATOR)
STRANGERS = [Actor.account(uuid4(), Role.CUSTOMER), Actor(ActorKind.SERVICE, uuid4())]


class OneAtATime:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, _: str) -> AsyncIterator[None]:
        async with self._lock:
            yield


class NobodyIsBehind:
    async def of_relay(self) -> RelayLag:
        return RelayLag(events=0, oldest=None)

    async def of_consumer(self) -> Mapping[str, int]:
        return {"payments": 0}


def a_letter(offset: int, *, cut: bool = False, heard: bool = True) -> DeadLetter:
    return DeadLetter(
        place=LetterPlace(0, offset, datetime(2026, 1, 1, 0, 0, offset, tzinfo=UTC)),
        topic="payments",
        partition=2,
        offset=40 + offset,
        cause="not-json",
        detail="It is not.",
        key=None,
        value=b"{",
        headers=(),
        cut=cut,
        heard=heard,
    )


class Desk:
    def __init__(self, *letters: DeadLetter) -> None:
        self.box = InMemoryDeadLetterBox(*letters)
        self.jobs = InProcessJobs()
        settled, deeds = InMemorySettledLetters(), InMemoryDeeds()
        write_down = WriteDown(deeds, SequentialIds(), SettableClock())
        self.see = SeeMachinery(self.jobs, NobodyIsBehind(), self.box, settled)
        self.letters = ListDeadLetters(self.box, settled)
        settle = SettleLetter(settled, OneAtATime(), write_down)
        self.redrive = RedriveLetter(self.box, settle)
        self.dismiss = DismissLetter(self.box, settle)
        self.retry = RetryJob(self.jobs, write_down)
        self.deeds = ListDeeds(deeds)

    async def done(self) -> list[str]:
        return [f"{deed.what} {deed.subject}" for deed in await self.deeds(limit=9, by=OTTO)]


async def test_a_letter_is_put_back_once_however_many_ask() -> None:
    desk = Desk(a_letter(0), a_letter(1))
    outcomes = await asyncio.gather(*(desk.redrive(0, 1, by=OTTO) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(LetterSettled) == 4
    assert desk.box.sent == [a_letter(1)]
    listed = await desk.letters(limit=9, by=OTTO)
    assert [(each.letter.place.offset, each.is_settled) for each in listed] == [(1, True), (0, False)]
    assert (await desk.see(by=OTTO)).dead_letters == 1
    assert await desk.done() == ["redrive letter 0@1, from payments/2@41"]


async def test_a_letter_that_is_not_whole_not_ours_or_not_there_stays() -> None:
    desk = Desk(a_letter(0, cut=True), a_letter(2, heard=False))
    with pytest.raises(LetterFromElsewhere):
        await desk.redrive(0, 2, by=OTTO)
    with pytest.raises(LetterCut):
        await desk.redrive(0, 0, by=OTTO)
    with pytest.raises(DeadLetterNotFound):
        await desk.redrive(0, 1, by=OTTO)
    assert desk.box.sent == []
    assert await desk.done() == []


async def test_any_letter_can_be_dismissed_but_each_is_settled_once() -> None:
    desk = Desk(a_letter(0, cut=True), a_letter(1, heard=False), a_letter(2))
    for offset in range(3):
        await desk.dismiss(0, offset, by=OTTO)
    for settle in (desk.redrive, desk.dismiss):
        with pytest.raises(LetterSettled):
            await settle(0, 2, by=OTTO)
    with pytest.raises(DeadLetterNotFound):
        await desk.dismiss(0, 7, by=OTTO)
    listed = await desk.letters(limit=9, by=OTTO)
    assert [each.settlement and each.settlement.how for each in listed] == [LetterOutcome.DISMISSED] * 3
    assert desk.box.sent == []
    assert (await desk.see(by=OTTO)).dead_letters == 0
    assert await desk.done() == [
        "dismiss letter 0@2, from payments/2@42",
        "dismiss letter 0@1",
        "dismiss letter 0@0, from payments/2@40",
    ]


async def test_a_letter_that_could_not_be_sent_waits_still() -> None:
    desk = Desk(a_letter(0))
    desk.box.cannot_send = True
    with pytest.raises(DependencyUnavailable):
        await desk.redrive(0, 0, by=OTTO)
    [listed] = await desk.letters(limit=9, by=OTTO)
    assert not listed.is_settled


async def test_who_asks_for_a_job_is_written_down_whether_or_not_it_can_be_retried() -> None:
    desk = Desk()
    with pytest.raises(JobNotFound):
        await desk.retry("gone", by=OTTO)
    assert await desk.done() == ["retry job gone"]


async def test_what_does_not_answer_hides_nothing_else() -> None:
    desk = Desk(a_letter(0))
    await desk.jobs.enqueue_processing(uuid4())
    desk.box.is_away = True
    seen = await desk.see(by=SYSTEM)
    assert seen.dead_letters is None
    assert seen.jobs is not None
    assert seen.jobs.waiting == 1
    assert seen.relay == RelayLag(events=0, oldest=None)
    assert seen.consumer == {"payments": 0}


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda actor: actor.kind)
async def test_nobody_else_sees_or_does_anything(stranger: Actor) -> None:
    desk = Desk(a_letter(0))
    for refused in (
        desk.see(by=stranger),
        desk.letters(limit=1, by=stranger),
        desk.letters.one(0, 0, by=stranger),
        desk.deeds(limit=1, by=stranger),
        desk.retry("any", by=stranger),
        desk.redrive(0, 0, by=stranger),
        desk.dismiss(0, 0, by=stranger),
    ):
        with pytest.raises(NotAllowed):
            await refused
    assert await desk.done() == []


async def test_who_may_only_read_changes_nothing() -> None:
    desk = Desk(a_letter(0))
    reader = OTTO.confined_to(Scope.ORDERS_READ)
    assert len(await desk.letters(limit=1, by=reader)) == 1
    with pytest.raises(InsufficientScope):
        await desk.redrive(0, 0, by=reader)
    with pytest.raises(InsufficientScope):
        await desk.dismiss(0, 0, by=reader)
    assert desk.box.sent == []
