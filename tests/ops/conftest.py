"""A browser for all tests here, and the people and services of others."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from order_service.domain.actor import Role
from tests.fleet.conftest import environment, fleet
from tests.http.conftest import ann, bob, order, served, shop, shop_database
from tests.http.shop import Shop
from tests.ops import staff
from tests.ops.browser import CHROMIUM

__all__ = ["ann", "bob", "environment", "fleet", "order", "served", "shop", "shop_database"]


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def olga(shop: Shop) -> AsyncIterator[staff.Browser]:
    """An operator, logged in."""
    async with staff.somebody(shop, Role.OPERATOR) as browser:
        yield browser


@pytest.fixture
async def adam(shop: Shop) -> AsyncIterator[staff.Browser]:
    """An admin, logged in."""
    async with staff.somebody(shop, Role.ADMIN) as browser:
        yield browser


@pytest.fixture
async def nobody(shop: Shop) -> AsyncIterator[staff.Browser]:
    """Not logged in."""
    browser = staff.Browser(shop)
    async with browser.client:
        yield browser
