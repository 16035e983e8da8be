"""A real browser, what it asked for, and what it cannot be told in pictures alone."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH; apt-get install chromium")

PATIENCE_MS = 15_000
"""For what comes by itself; the page asks every two seconds."""

_NARROWEST = 360
_OVERFLOWS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(slots=True)
class Window:
    """A page, every address that it asked for, and every complaint: of scripts, of the content security policy."""

    page: Page
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def log_in(self, email: str, password: str) -> None:
        """By the keyboard alone: the address has the focus when the page is there."""
        await self.page.goto(f"{self.origin}/ops")
        await expect(self.page).to_have_title("Log in · Order service operations")
        await self.page.keyboard.type(email)
        await self.page.keyboard.press("Tab")
        await self.page.keyboard.type(password)
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_role("heading", level=1)).to_have_text("Overview")

    async def tab_to(self, name: str) -> None:
        """To the link or button of this name, as without a mouse; and it can be seen that one is there."""
        for _ in range(60):
            await self.page.keyboard.press("Tab")
            found = await self.page.evaluate(
                "[document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]"
            )
            if found[0] == name:
                assert found[1] == "solid", f"{name} does not show that it has the focus"
                return
        raise AssertionError(f"the keyboard does not lead to {name}")

    async def is_accessible(self) -> None:
        """As far as axe can tell: wide and light, then dark and narrow as a phone, where nothing is too wide."""
        size = self.page.viewport_size
        assert size is not None
        looks: list[tuple[Literal["light", "dark"], int]] = [("light", size["width"]), ("dark", _NARROWEST)]
        for scheme, width in looks:
            await self.page.set_viewport_size({"width": width, "height": size["height"]})
            await self.page.emulate_media(color_scheme=scheme)
            found = await Axe().run(self.page)
            assert found.violations_count == 0, f"{self.page.url}, {scheme}, {width}: {found.generate_report()}"
            assert await self.page.evaluate(_OVERFLOWS) == 0, f"{self.page.url} is wider than {width}"
        await self.page.set_viewport_size(size)

    def asked_others(self) -> list[str]:
        return [address for address in self.asked if not address.startswith(f"{self.origin}/")]


@asynccontextmanager
async def window(browser: Browser, origin: str, *, javascript: bool = True) -> AsyncIterator[Window]:
    context = await browser.new_context(java_script_enabled=javascript, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = await context.new_page()
    opened = Window(page, origin)
    context.on("request", lambda request: opened.asked.append(request.url))
    page.on("console", lambda said: opened.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    try:
        yield opened
    finally:
        await context.close()
