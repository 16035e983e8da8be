"""The promises of `RateLimiter`. To hold another adapter to them, add it to `LIMITERS`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.embedded.rate_limiter import InProcessRateLimiter
from adapters.redis.rate_limiter import RedisRateLimiter
from order_service.ports import Quota, RateLimiter


@dataclass(frozen=True, slots=True)
class Limiter:
    """`wait` lets that many seconds pass for the limiter: by a clock of its own, or in earnest."""

    limiter: RateLimiter
    wait: Callable[[float], Awaitable[None]]

    async def takes(self, quota: Quota, subject: str, times: int) -> int:
        """How many of so many requests at once are allowed."""
        allowances = await asyncio.gather(*(self.limiter.take(quota, subject) for _ in range(times)))
        return sum(allowance.allowed for allowance in allowances)


def in_process() -> Limiter:
    now = 1_000.0

    async def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    return Limiter(InProcessRateLimiter(now=lambda: now), wait)


LIMITERS: dict[str, Callable[[], Limiter]] = {"in process": in_process}
A_TOUCH = 0.01


@pytest.fixture(params=[*LIMITERS, "Redis"])
def limits(request: pytest.FixtureRequest) -> Limiter:
    if request.param == "Redis":  # which goes by a clock of its own
        return Limiter(RedisRateLimiter(request.getfixturevalue("redis")), asyncio.sleep)
    return LIMITERS[request.param]()


def five_per(window: timedelta, name: str | None = None) -> Quota:
    return Quota(name=name or uuid4().hex, limit=5, window=window)


A_MINUTE = timedelta(minutes=1)
A_SECOND = timedelta(seconds=1)


async def test_the_limit_is_allowed_at_once_and_no_more(limits: Limiter) -> None:
    quota = five_per(A_MINUTE)
    allowances = [await limits.limiter.take(quota, "ann") for _ in range(6)]
    assert [allowance.allowed for allowance in allowances] == [True] * 5 + [False]
    assert [allowance.remaining for allowance in allowances] == [4, 3, 2, 1, 0, 0]
    assert [allowance.retry_after > 0 for allowance in allowances] == [False] * 5 + [True]
    assert 0 < allowances[5].retry_after <= 60
    resets = [allowance.reset for allowance in allowances]
    assert resets[:5] == sorted(resets[:5])
    assert all(0 < reset <= 60 + A_TOUCH for reset in resets)


async def test_many_at_the_very_same_time_get_no_more_than_the_limit(limits: Limiter) -> None:
    assert await limits.takes(five_per(A_MINUTE), "ann", 50) == 5


async def test_after_retry_after_one_request_is_allowed_again(limits: Limiter) -> None:
    quota = five_per(A_SECOND)
    await limits.takes(quota, "ann", 5)
    refused = await limits.limiter.take(quota, "ann")
    await limits.wait(refused.retry_after + A_TOUCH)
    allowed = await limits.limiter.take(quota, "ann")
    assert not refused.allowed
    assert allowed.allowed


async def test_after_reset_the_whole_limit_is_allowed_again(limits: Limiter) -> None:
    quota = five_per(A_SECOND)
    await limits.takes(quota, "ann", 5)
    refused = await limits.limiter.take(quota, "ann")
    await limits.wait(refused.reset + A_TOUCH)
    assert await limits.takes(quota, "ann", 10) == 5


async def test_waiting_longer_than_the_window_saves_nothing_up(limits: Limiter) -> None:
    quota = five_per(timedelta(seconds=0.2))
    await limits.takes(quota, "ann", 5)
    await limits.wait(1)
    assert await limits.takes(quota, "ann", 10) == 5


async def test_a_refused_request_costs_nothing(limits: Limiter) -> None:
    quota = five_per(A_SECOND)
    await limits.takes(quota, "ann", 5)
    first = await limits.limiter.take(quota, "ann")
    last = [await limits.limiter.take(quota, "ann") for _ in range(20)][-1]
    assert not last.allowed
    assert last.retry_after <= first.retry_after
    assert last.reset <= first.reset


async def test_each_subject_and_each_quota_has_an_allowance_of_its_own(limits: Limiter) -> None:
    quota, other = five_per(A_MINUTE), five_per(A_MINUTE)
    assert await limits.takes(quota, "ann", 6) == 5
    assert await limits.takes(quota, "bob", 6) == 5
    assert await limits.takes(other, "ann", 6) == 5


async def test_a_limit_of_one_is_one_per_window(limits: Limiter) -> None:
    quota = Quota(name=uuid4().hex, limit=1, window=A_SECOND)
    assert await limits.takes(quota, "ann", 3) == 1
    await limits.wait(1 + A_TOUCH)
    assert await limits.takes(quota, "ann", 3) == 1


async def test_what_is_given_back_can_be_taken_again(limits: Limiter) -> None:
    quota = five_per(A_MINUTE)
    await limits.takes(quota, "ann", 5)
    await limits.limiter.give_back(quota, "ann")
    await limits.limiter.give_back(quota, "ann")
    assert await limits.takes(quota, "ann", 5) == 2


async def test_nobody_has_more_than_the_limit_however_much_is_given_back(limits: Limiter) -> None:
    quota = five_per(A_MINUTE)
    await limits.limiter.give_back(quota, "ann")
    await limits.limiter.take(quota, "ann")
    for _ in range(3):
        await limits.limiter.give_back(quota, "ann")
    assert await limits.takes(quota, "ann", 10) == 5
