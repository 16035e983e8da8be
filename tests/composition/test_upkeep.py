"""What an operator is told by `order-service consistency` and `order-service seed-orders`."""

import asyncio
import json

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from composition.cli import main


@pytest.fixture
def configured(database_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("SECRET_KEY", "a key for tests alone, and long enough for one")


async def order_service(*arguments: str) -> int:
    return await asyncio.to_thread(main, arguments)  # it runs a loop of its own


@pytest.mark.usefixtures("configured")
async def test_a_broken_row_is_told_by_its_order_and_invariant_and_rebuilt(
    engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await order_service("seed-orders", "30", "--customers", "3") == 0
    assert await order_service("consistency") == 0
    assert "All is well" in capsys.readouterr().out
    async with engine.begin() as connection:
        query = text("UPDATE orders SET total = 1 WHERE id = (SELECT id FROM orders LIMIT 1) RETURNING id")
        victim = await connection.scalar(query)

    assert await order_service("consistency") == 1
    said = capsys.readouterr().out
    assert "BROKEN copies: the columns beside the body equal it" in said
    assert f"order {victim}: differ from the body: total" in said
    assert await order_service("consistency", "--json") == 1
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["order_id"] for finding in findings for one in finding["broken"]] == [str(victim)]

    assert await order_service("consistency", "--rebuild") == 0
    assert "30 orders compared with their log, 1 rows rewritten" in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
async def test_a_database_with_orders_is_not_seeded_by_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert await order_service("seed-orders", "10") == 0
    assert await order_service("seed-orders", "10") == 1
    assert "--beside-existing-orders" in capsys.readouterr().err
    assert await order_service("seed-orders", "10", "--beside-existing-orders") == 0
