"""A shop whose queue and dead letters are in memory, but seen as if they were elsewhere; its deeds are real."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import URL

from adapters.http.app import HttpEdge, HttpUseCases, create_app
from order_service.domain.errors import DependencyUnavailable, JobNotFound
from order_service.ports import (
    DeadJob,
    DeadLetter,
    JobsState,
    Leases,
    LetterPlace,
    QueueProcess,
    RelayLag,
)
from order_service.use_cases.dismiss_letter import DismissLetter
from order_service.use_cases.list_dead_letters import ListDeadLetters
from order_service.use_cases.redrive_letter import RedriveLetter
from order_service.use_cases.retry_job import RetryJob
from order_service.use_cases.see_machinery import SeeMachinery
from order_service.use_cases.settle_letter import SettleLetter
from order_service.use_cases.write_down import WriteDown
from tests.http.shop import Shop, open_shop
from tests.in_memory.operating import InMemoryDeadLetterBox, InMemorySettledLetters

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_letter(offset: int, *, cut: bool = False, value: bytes = b"{", **told: str) -> DeadLetter:
    return DeadLetter(
        place=LetterPlace(0, offset, NOW.replace(second=offset)),
        topic="payments",
        partition=2,
        offset=40 + offset,
        cause=told.get("cause", "not-json"),
        detail=told.get("detail", "It is not."),
        key=told.get("key", "a key").encode(),
        value=value,
        headers=(),
        cut=cut,
    )


def a_dead_job(reason: str, *order_ids: UUID) -> DeadJob:
    return DeadJob(id=str(uuid4()), order_ids=order_ids, died_at=NOW, reason=reason)


@dataclass
class Machines:
    """What `is_away` does not answer."""

    letters: InMemoryDeadLetterBox = field(default_factory=InMemoryDeadLetterBox)
    dead: list[DeadJob] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    is_away: bool = False
    lag: int = 0

    async def state(self) -> JobsState:
        self._answer("Redis")
        process = QueueProcess(id="0123456789", last_heard=NOW, taken=3)
        return JobsState(
            waiting=11, delayed=12, running=3, dead=len(self.dead), processes=[process], newest_dead=list(self.dead)
        )

    async def retry(self, job_id: str) -> DeadJob:
        self._answer("Redis")
        for job in self.dead:
            if job.id == job_id:
                self.dead.remove(job)
                self.retried.append(job_id)
                return job
        raise JobNotFound

    async def of_relay(self) -> RelayLag:
        return RelayLag(events=self.lag, oldest=NOW if self.lag else None)

    async def of_consumer(self) -> Mapping[str, int]:
        self._answer("Kafka")
        return {"payments": 7}

    async def answers(self) -> None:
        self._answer("Whatever it is")

    def letters_are(self, *letters: DeadLetter) -> Sequence[DeadLetter]:
        self.letters = InMemoryDeadLetterBox(*letters)
        return letters

    def _answer(self, name: str) -> None:
        if self.is_away:
            raise DependencyUnavailable(name)


@asynccontextmanager
async def open_shop_with(machines: Machines, database: URL) -> AsyncIterator[Shop]:
    async with open_shop(database) as shop:
        get = shop.container.get
        letters, settled = machines.letters, InMemorySettledLetters()
        write_down = await get(WriteDown)
        settle = SettleLetter(settled, await get(Leases), write_down)
        use_cases = replace(
            await get(HttpUseCases),
            see_machinery=SeeMachinery(machines, machines, letters, settled),
            retry_job=RetryJob(machines, write_down),
            list_dead_letters=ListDeadLetters(letters, settled),
            redrive_letter=RedriveLetter(letters, settle),
            dismiss_letter=DismissLetter(letters, settle),
        )
        edge = await get(HttpEdge)
        edge = replace(edge, checks={**edge.checks, "redis": machines.answers, "kafka": machines.answers})
        yield Shop(shop.container, create_app(use_cases, edge), shop.engine, edge.tokens, edge.clock)
