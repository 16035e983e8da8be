"""The HTTP API beside a model of it: nobody finds a sequence of requests in which the two disagree."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import URL

from tests.conftest import execute
from tests.http.shop import GENEROUS, open_shop
from tests.model.machine import TALLY, ShopMachine, World

RUNS, STEPS = 25, 50
"""Without `--rounds`; with `--rounds 50000` it tries so many steps, or more."""


@pytest.fixture
def world(postgres: URL, template: URL) -> Iterator[World]:
    """Two shops over one database, on a loop of their own: Hypothesis calls its rules one by one, from outside."""
    loop, opened = asyncio.new_event_loop(), AsyncExitStack()
    url = postgres.set(database=f"test_model_{uuid4().hex[:12]}")
    closed_window = msgspec.structs.replace(GENEROUS, cancel_window_minutes=0)

    async def open_both() -> World:
        await execute(postgres, f"CREATE DATABASE {url.database} TEMPLATE {template.database}")
        await execute(postgres, f"ALTER DATABASE {url.database} SET synchronous_commit = off")
        shops = {
            window_open: await opened.enter_async_context(open_shop(url, rules))
            for window_open, rules in ((True, GENEROUS), (False, closed_window))
        }
        return World(loop, shops)

    yield loop.run_until_complete(open_both())
    loop.run_until_complete(opened.aclose())
    loop.run_until_complete(execute(postgres, f"DROP DATABASE {url.database} WITH (FORCE)"))
    loop.close()


def test_the_service_answers_as_the_model_says(
    world: World, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = int(request.config.getoption("rounds") or 0)
    brief = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        derandomize=not rounds,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    _try(world, settings(brief, max_examples=rounds // STEPS + 1) if rounds else brief)
    while TALLY.steps < rounds:  # not every run takes all its steps
        _try(world, brief)
    with capsys.disabled():
        print(f"\n{TALLY.requests} requests, {TALLY.replays} of them repetitions with a key. The answers:")
        print(", ".join(f"{times} x {answer}" for answer, times in TALLY.answers.most_common()))
        print(f"state machine over HTTP: {TALLY.steps} steps, 0 mismatches")


def _try(world: World, how: settings) -> None:
    run_state_machine_as_test(lambda: ShopMachine(world), settings=how)  # type: ignore[arg-type]  # it only calls it
