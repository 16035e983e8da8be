"""Who asks for an allowance at the same time is counted by one call, and as if each had asked alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from adapters.redis.connection import connect
from adapters.redis.rate_limiter import RedisRateLimiter
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import Allowance, Quota
from tests.services import RedisServer

A_DAY = timedelta(days=1)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url, patience=5) as client:
        yield client


def a_quota(limit: int = 5, *, guards_secrets: bool = False) -> Quota:
    return Quota(name=uuid4().hex, limit=limit, window=A_DAY, guards_secrets=guards_secrets)


async def calls(redis: Redis) -> int:
    """How many scripts Redis has run, by name."""
    found: int = (await redis.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"]
    return found


async def test_three_hundred_at_once_take_a_few_calls_and_exactly_the_quota(redis: Redis) -> None:
    limiter, quota = RedisRateLimiter(redis), a_quota(120)
    await limiter.take(quota, "bob")  # the script is known from now on
    before = await calls(redis)
    allowances = await asyncio.gather(*(limiter.take(quota, "ann") for _ in range(300)))
    assert await calls(redis) - before <= 5
    assert [allowance.allowed for allowance in allowances] == [True] * 120 + [False] * 180
    assert [allowance.remaining for allowance in allowances[:120]] == list(reversed(range(120)))
    assert all(allowance.retry_after > 0 for allowance in allowances[120:])


async def test_each_gets_the_answer_to_their_own_question(redis: Redis) -> None:
    limiter = RedisRateLimiter(redis)
    quotas = [a_quota(limit) for limit in range(1, 6)]
    asked = [(quota, subject) for _ in range(6) for quota in quotas for subject in ("ann", "bob")]
    allowances = await asyncio.gather(*(limiter.take(quota, subject) for quota, subject in asked))
    for quota in quotas:
        for subject in ("ann", "bob"):
            mine = [found for found, one in zip(allowances, asked, strict=True) if one == (quota, subject)]
            assert [found.allowed for found in mine] == [True] * quota.limit + [False] * (6 - quota.limit)
            assert [found.remaining for found in mine[: quota.limit]] == list(reversed(range(quota.limit)))
            interval = A_DAY.total_seconds() / quota.limit
            resets = [found.reset for found in mine[: quota.limit]]
            assert resets == pytest.approx([interval * n for n in range(1, quota.limit + 1)], rel=0.01)


async def test_what_is_no_number_spoils_nobodys_answer(redis: Redis) -> None:
    limiter, quota = RedisRateLimiter(redis), a_quota(5)
    await redis.set(f"limit:{quota.name}:ann", "gone wrong")
    await redis.hset(f"limit:{quota.name}:bob", "gone", "wrong")
    subjects = ("ann", "bob", "eve")
    for remaining in (4, 3):
        allowances = await asyncio.gather(*(limiter.take(quota, subject) for subject in subjects))
        assert [allowance.remaining for allowance in allowances] == [remaining] * 3


async def test_who_gives_up_takes_nothing_from_the_others(redis: Redis) -> None:
    limiter, quota = RedisRateLimiter(redis), a_quota(50)
    asking = [asyncio.create_task(limiter.take(quota, f"subject {number}")) for number in range(100)]
    await asyncio.sleep(0)
    for task in asking[::2]:
        task.cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    assert all(isinstance(answer, Allowance) and answer.remaining == 49 for answer in answers[1::2])


async def test_without_redis_each_fares_as_their_quota_says(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with connect(server.url, patience=1) as redis:
            limiter, orders, accounts = RedisRateLimiter(redis), a_quota(), a_quota(guards_secrets=True)
            await limiter.take(orders, "ann")
            server.kill()
            asking = (limiter.take(quota, "ann") for quota in (orders, accounts) * 10)
            answers = await asyncio.gather(*asking, return_exceptions=True)
    assert all(answer == Allowance(allowed=True, remaining=5, retry_after=0, reset=0) for answer in answers[::2])
    assert all(isinstance(answer, DependencyUnavailable) for answer in answers[1::2])
    assert limiter.unchecked == 10


async def test_nobody_is_left_without_an_answer_at_the_end(redis: Redis) -> None:
    limiter, quota = RedisRateLimiter(redis), a_quota(300)
    asking = [asyncio.create_task(limiter.take(quota, "ann")) for _ in range(300)]
    await asyncio.sleep(0)
    await limiter.close()
    await asyncio.sleep(0)  # in which they hear of it
    assert all(task.done() and task.result().allowed for task in asking)
