"""What an operator is told by `order-service consistency` and `order-service seed-orders`."""

import asyncio
import json

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.consistency_queries import QUERIES
from composition.cli import main
from order_service.domain.ids import order_number


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
        query = text("UPDATE orders SET total = 1 WHERE id = (SELECT id FROM orders LIMIT 1) RETURNING id, number")
        victim, number = (await connection.execute(query)).one()

    assert await order_service("consistency") == 1
    said = capsys.readouterr().out
    assert "BROKEN copies: the columns beside the body equal it" in said
    assert f"order {victim}: differ from the body: total" in said
    assert await order_service("consistency", "--json") == 1
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["order_id"] for finding in findings for one in finding["broken"]] == [str(victim)]

    assert await order_service("consistency", "--rebuild", number.lower(), str(victim)) == 0
    assert "2 orders compared with their log, 1 rows rewritten" in capsys.readouterr().err
    assert await order_service("consistency", "--rebuild") == 0
    assert "30 orders compared with their log, 0 rows rewritten" in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
async def test_an_order_that_is_not_there_cannot_be_named_for_a_rebuild(capsys: pytest.CaptureFixture[str]) -> None:
    assert await order_service("consistency", "--rebuild", order_number(7)) == 1
    assert capsys.readouterr() == ("", "order-service: No such order.\n")
    with pytest.raises(SystemExit) as ended:
        await order_service("consistency", "--rebuild", "K7Q2")
    assert ended.value.code == 2
    assert "'K7Q2' is neither an order's number" in capsys.readouterr().err


def test_invariants_are_numbered_apart() -> None:
    numbers = [name.partition(".")[0] for name in QUERIES]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.usefixtures("configured")
async def test_a_database_with_orders_is_not_seeded_by_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert await order_service("seed-orders", "10") == 0
    assert await order_service("seed-orders", "10") == 1
    assert "--beside-existing-orders" in capsys.readouterr().err
    assert await order_service("seed-orders", "10", "--beside-existing-orders") == 0
