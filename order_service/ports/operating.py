"""What those who look after the service see of its machinery, and mend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from order_service.domain.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadJob:
    """A job that was tried for the last time. `reason` is of its last failure, without anything personal.

    What others put into the queue is about no orders, and is not retried.
    """

    id: str
    order_ids: Sequence[UUID]
    died_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProcess:
    """A process at the queue: a worker, or one that puts jobs in. `taken`: jobs that it has begun or keeps."""

    id: str
    last_heard: datetime
    taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsState:
    """How many jobs there are: to be done now, later (after a failure), being done, and dead.

    `newest_dead` are the newest of the dead.
    """

    waiting: int
    delayed: int
    running: int
    dead: int
    processes: Sequence[QueueProcess]
    newest_dead: Sequence[DeadJob]


class JobBoard(Protocol):
    """The job queue, seen from outside. Both raise DependencyUnavailable."""

    async def state(self) -> JobsState: ...

    async def retry(self, job_id: str) -> DeadJob:
        """Puts a dead job back among those to be done now; of several who ask, one does. Raises JobNotFound."""


@dataclass(frozen=True, slots=True, order=True)
class LetterPlace:
    """Where a dead letter lies. Its time is part of it: a topic that is made anew begins at offset 0 again."""

    partition: int
    offset: int
    died_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that no retry made right, and where it came from. `value` is as it came, unless `cut`.

    `heard`: whether `topic` is one that this service hears. It need not be: the letter may be of somebody else, who
    said where it came from, or did not (then `topic` is empty, and `partition` and `offset` are -1).
    """

    place: LetterPlace
    topic: str
    partition: int
    offset: int
    cause: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    cut: bool
    heard: bool = True


class DeadLetterBox(Protocol):
    """All letters that are kept, settled or not. Each raises DependencyUnavailable."""

    async def newest(self, limit: int) -> Sequence[DeadLetter]:
        """The newest first."""

    async def get(self, partition: int, offset: int) -> DeadLetter:
        """Raises DeadLetterNotFound."""

    async def extent(self) -> Mapping[int, tuple[int, int]]:
        """Partition -> the first offset that is kept, and the one that the next letter will have."""

    async def put_back(self, letter: DeadLetter) -> None:
        """Sends it to where it came from, as it came."""


class LetterOutcome(StrEnum):
    """Put back to be heard again, or dismissed: nobody needs it any more."""

    REDRIVEN = "REDRIVEN"
    DISMISSED = "DISMISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What was done with a dead letter, by whom, and when."""

    how: LetterOutcome
    by: Actor
    at: datetime


class SettledLetters(Protocol):
    """Which dead letters wait no longer, and why."""

    async def among(self, places: Sequence[LetterPlace]) -> Mapping[LetterPlace, Settlement]: ...

    async def count(self, extent: Mapping[int, tuple[int, int]]) -> int:
        """How many of the letters that are kept there."""

    async def add(self, place: LetterPlace, settlement: Settlement) -> None:
        """At once; what was settled before stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLag:
    """Events that are not on Kafka yet; `oldest`: when the first of them happened."""

    events: int
    oldest: datetime | None


class Lags(Protocol):
    """How far those are behind who read. Each raises DependencyUnavailable."""

    async def of_relay(self) -> RelayLag: ...

    async def of_consumer(self) -> Mapping[str, int]:
        """Topic -> messages that are not heard yet. Empty without Kafka."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody did with the machinery: `what` in a word or two, such as `retry job`, `subject` with what."""

    id: UUID
    at: datetime
    by: Actor
    what: str
    subject: str


class Deeds(Protocol):
    """Append-only: who did what. An order's own events tell who changed it."""

    async def add(self, deed: Deed) -> None:
        """At once."""

    async def newest(self, limit: int) -> Sequence[Deed]:
        """The newest first."""
