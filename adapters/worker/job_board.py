"""The job queue seen from outside, by the keys that Dramatiq keeps in Redis."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal, cast
from uuid import UUID

import msgspec
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import dq_name, xq_name
from redis import Redis
from redis.exceptions import RedisError

from adapters.worker.queue import QUEUE, to_process
from order_service.domain.errors import DependencyUnavailable, JobNotFound
from order_service.ports import DeadJob, JobsState, QueueProcess

_KEYS = "dramatiq"  # the prefix that its Redis broker has when nobody gives it another
_DEAD = f"{_KEYS}:{xq_name(QUEUE)}"
_MOST_DEAD = 100


class _Options(msgspec.Struct):
    traceback: str | None = None
    traces: dict[str, str] | None = None


class _Message(msgspec.Struct):
    """What `queue.to_process` makes, as Dramatiq writes it. Redis may hold what others put there."""

    actor_name: Literal["process_order"]
    args: tuple[UUID | list[UUID]]
    options: _Options

    @property
    def order_ids(self) -> Sequence[UUID]:
        (given,) = self.args
        return (given,) if isinstance(given, UUID) else tuple(given)


class DramatiqJobBoard:
    """`harmless` takes out of a failure's text what nobody is to read."""

    def __init__(self, broker: RedisBroker, *, harmless: Callable[[str], str]) -> None:
        self._broker = broker
        self._redis: Redis = broker.client
        self._harmless = harmless

    async def state(self) -> JobsState:
        try:
            return await asyncio.to_thread(self._state)
        except (RedisError, OSError) as error:
            raise DependencyUnavailable("Redis") from error

    async def retry(self, job_id: str) -> DeadJob:
        try:
            return await asyncio.to_thread(self._retry, job_id)
        except (RedisError, OSError) as error:
            raise DependencyUnavailable("Redis") from error

    def _state(self) -> JobsState:
        later = dq_name(QUEUE)
        with self._redis.pipeline(transaction=False) as asked:
            asked.llen(f"{_KEYS}:{QUEUE}")
            asked.llen(f"{_KEYS}:{later}")
            asked.zcard(_DEAD)
            asked.zrevrange(f"{_KEYS}:__heartbeats__", 0, -1, withscores=True)
            asked.zrevrange(_DEAD, 0, _MOST_DEAD - 1, withscores=True)
            waiting, delayed, dead, heard, newest = asked.execute()
        names = [name.decode(errors="replace") for name, _ in heard]
        running, kept = self._taken(names, QUEUE), self._taken(names, later)
        return JobsState(
            waiting=waiting,
            delayed=delayed + sum(kept),
            running=sum(running),
            dead=dead,
            processes=tuple(
                QueueProcess(id=name, last_heard=_time(score), taken=now + then)
                for name, (_, score), now, then in zip(names, heard, running, kept, strict=True)
            ),
            newest_dead=tuple(self._dead(newest)),
        )

    def _taken(self, processes: Sequence[str], queue: str) -> Sequence[int]:
        with self._redis.pipeline(transaction=False) as asked:
            for name in processes:
                asked.scard(f"{_KEYS}:__acks__.{name}.{queue}")
            return cast("list[int]", asked.execute())

    def _dead(self, newest: Sequence[tuple[bytes, float]]) -> list[DeadJob]:
        if not newest:
            return []
        # redis-py would have them as text, which they need not be
        names = cast("list[str]", [name for name, _ in newest])
        messages = cast("list[bytes | None]", self._redis.hmget(f"{_DEAD}.msgs", names))
        return [
            self._job(name.decode(errors="replace"), score, _read(message))
            for (name, score), message in zip(newest, messages, strict=True)
            if message is not None  # forgotten meanwhile
        ]

    def _job(self, name: str, died: float, message: _Message | None) -> DeadJob:
        if message is None:
            return DeadJob(id=name, order_ids=(), died_at=_time(died), reason="no job of this service")
        trace = (message.options.traceback or "").strip()
        return DeadJob(
            id=name,
            order_ids=message.order_ids,
            died_at=_time(died),
            reason=self._harmless(trace.rpartition("\n")[2]) or "given up at once",
        )

    def _retry(self, job_id: str) -> DeadJob:
        kept = cast("bytes | None", self._redis.hget(f"{_DEAD}.msgs", job_id))
        died = self._redis.zscore(_DEAD, job_id)
        message = None if kept is None else _read(kept)
        if message is None or died is None:
            raise JobNotFound
        job = self._job(job_id, died, message)
        if not self._redis.zrem(_DEAD, job_id):  # somebody else was faster
            raise JobNotFound
        # Should this process end here, the search for stalled orders asks for its orders again.
        self._redis.hdel(f"{_DEAD}.msgs", job_id)
        self._broker.enqueue(to_process(list(map(str, job.order_ids)), message.options.traces))
        return job


def _read(message: bytes) -> _Message | None:
    try:
        return msgspec.json.decode(message, type=_Message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _time(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
