"""Every filter of the list is served by an index; `just bench lists --orders 1000000` asks the same of a million."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence import account_views
from adapters.persistence.engine import create_engine
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.seeding import seed
from order_service.domain.actor import Role
from order_service.domain.lifecycle import Status
from order_service.ports import AccountFilter, OrderFilter, PageStart
from tests.persistence.plans import PAGE, filters, plan_of, plan_of_query

ORDERS = 20_000
"""Enough for the planner to want an index."""


@pytest.fixture
async def many(database_url: URL) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, pool_size=2, patience=None)
    async for _ in seed(engine, ORDERS, customers=1000, reader="relay", until=datetime(2026, 3, 2, tzinfo=UTC)):
        pass
    yield engine
    await engine.dispose()


async def test_a_page_of_any_list_comes_from_an_index_however_late_or_far_it_is(many: AsyncEngine) -> None:
    for name, wanted in (await filters(many)).items():
        for newest_first in (True, False):
            plan = await plan_of(many, wanted, newest_first=newest_first)
            assert not plan.scans_table, f"{name}: {plan}"
    await a_late_page_costs_no_more(many)
    await old_orders_are_found_past_the_young(many)


async def a_late_page_costs_no_more(many: AsyncEngine) -> None:
    start: PageStart | None = None
    for _ in range(8):
        page = await SqlOrderViews(many).list(OrderFilter(), start=start, limit=ORDERS // 10, newest_first=True)
        start = page.next_start
    plan = await plan_of(many, OrderFilter(), newest_first=True, start=start)
    assert plan.rows == PAGE + 1
    assert plan.indexes == {"ix_orders_placed_at_id"}


async def old_orders_are_found_past_the_young(many: AsyncEngine) -> None:
    """In a shop no young order is DELIVERED: walking the list until one comes would read all of the young."""
    async with many.begin() as connection:
        await connection.execute(
            text("""
                DELETE FROM orders WHERE status = 'DELIVERED'
                AND placed_at > (SELECT percentile_disc(0.8) WITHIN GROUP (ORDER BY placed_at) FROM orders)
            """)
        )
    async with many.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM (ANALYZE) orders"))
    plan = await plan_of(many, OrderFilter(status=Status.DELIVERED), newest_first=True)
    assert plan.indexes == {"ix_orders_status_placed_at_id"}
    assert plan.rows == PAGE + 1


async def test_a_page_of_accounts_comes_from_an_index(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text("""
                INSERT INTO accounts (id, email, password_hash, role, created_at)
                SELECT gen_random_uuid(), n || '@example.com', '',
                       CASE WHEN n % 1000 = 0 THEN 'admin' ELSE 'customer' END, now()
                FROM generate_series(1, 20000) n
            """)
        )
        await connection.execute(text("ANALYZE accounts"))
        middle = await connection.scalar(text("SELECT id FROM accounts ORDER BY id OFFSET 10000 LIMIT 1"))
    for wanted, index in (
        (AccountFilter(), "pk_accounts"),
        (AccountFilter(role=Role.ADMIN), "ix_accounts_role_id"),
        (AccountFilter(role=Role.OPERATOR), "ix_accounts_role_id"),
        (AccountFilter(email="7@example.com"), "uq_accounts_email"),
    ):
        for start in (None, middle):
            plan = await plan_of_query(engine, account_views.list_query(wanted, start=start, limit=PAGE))
            assert plan.indexes == {index}, wanted
            assert plan.rows <= PAGE + 1
