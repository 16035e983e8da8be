"""What is in the job queue, read from the keys that Dramatiq keeps in Redis. Nothing is changed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from dramatiq.common import dq_name, xq_name
from redis import Redis

_KEYS = "dramatiq"  # the prefix that its Redis broker has when nobody gives it another
_MOST_FAILED = 20


@dataclass(frozen=True, slots=True)
class Process:
    """A process at the queue: a worker, or one that puts jobs in."""

    id: str
    last_heard: datetime
    messages: int
    """That it has taken, and not finished; those that wait until they are due are among them."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that was tried for the last time."""

    id: str
    at: datetime
    actor: str
    arguments: str
    reason: str
    """Of the last try but one, which is what Dramatiq keeps; empty where it was given up at once."""


@dataclass(frozen=True, slots=True)
class QueueState:
    queue: str
    waiting: int
    delayed: int
    failed: int
    """Of which `last_failed` has the newest."""
    processes: tuple[Process, ...]
    last_failed: tuple[Failed, ...]


def queue_state(redis: Redis, queue: str, *, harmless: Callable[[str], str]) -> QueueState:
    """`harmless` takes out of a failure's text what nobody is to read. Raises RedisError."""
    delayed, failed = dq_name(queue), xq_name(queue)
    with redis.pipeline(transaction=False) as asked:
        asked.llen(f"{_KEYS}:{queue}")
        asked.llen(f"{_KEYS}:{delayed}")
        asked.zcard(f"{_KEYS}:{failed}")
        asked.zrevrange(f"{_KEYS}:__heartbeats__", 0, -1, withscores=True)
        asked.zrevrange(f"{_KEYS}:{failed}", 0, _MOST_FAILED - 1, withscores=True)
        waiting, later, dead, heard, newest = asked.execute()
    return QueueState(
        queue=queue,
        waiting=waiting,
        delayed=later,
        failed=dead,
        processes=tuple(_process(redis, name.decode(), score, (queue, delayed)) for name, score in heard),
        last_failed=tuple(_failures(redis, f"{_KEYS}:{failed}.msgs", newest, harmless)),
    )


def _process(redis: Redis, name: str, heard: float, queues: tuple[str, str]) -> Process:
    taken = sum(redis.scard(f"{_KEYS}:__acks__.{name}.{queue}") for queue in queues)
    return Process(name, _time(heard), taken)


def _failures(
    redis: Redis, key: str, newest: list[tuple[bytes, float]], harmless: Callable[[str], str]
) -> list[Failed]:
    if not newest:
        return []
    messages = cast("list[bytes | None]", redis.hmget(key, [name.decode() for name, _ in newest]))
    return [
        _failure(name.decode(), score, json.loads(message), harmless)
        for (name, score), message in zip(newest, messages, strict=True)
        if message is not None  # forgotten meanwhile
    ]


def _failure(name: str, score: float, message: dict[str, object], harmless: Callable[[str], str]) -> Failed:
    options = cast("dict[str, object]", message["options"])
    trace = str(options.get("traceback") or "").strip()
    return Failed(
        id=name,
        at=_time(score),
        actor=str(message["actor_name"]),
        arguments=json.dumps(message["args"]),
        reason=harmless(trace.rpartition("\n")[2]),
    )


def _time(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
