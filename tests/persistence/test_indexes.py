"""Every filter of the list is served by an index; `just bench lists --orders 1000000` asks the same of a million."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.seeding import seed
from order_service.ports import OrderFilter, PageStart
from tests.persistence.plans import PAGE, filters, plan_of

ORDERS = 20_000
"""Enough for the planner to want an index."""


@pytest.fixture
async def many(database_url: URL) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, pool_size=2, patience=None)
    async for _ in seed(engine, ORDERS, customers=1000, reader="relay", until=datetime(2026, 3, 2, tzinfo=UTC)):
        pass
    yield engine
    await engine.dispose()


async def test_a_page_of_any_list_comes_from_an_index_and_a_late_page_costs_no_more(many: AsyncEngine) -> None:
    for name, wanted in (await filters(many)).items():
        for newest_first in (True, False):
            for generic in (False, True):
                plan = await plan_of(many, wanted, newest_first=newest_first, generic=generic)
                assert not plan.scans_table, f"{name}: {plan}"
    start: PageStart | None = None
    for _ in range(8):
        page = await SqlOrderViews(many).list(OrderFilter(), start=start, limit=ORDERS // 10, newest_first=True)
        start = page.next_start
    plan = await plan_of(many, OrderFilter(), newest_first=True, start=start)
    assert plan.rows == PAGE + 1
    assert plan.indexes == {"ix_orders_placed_at_id"}
