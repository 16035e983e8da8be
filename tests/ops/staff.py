"""Somebody at the operations pages, as a browser would ask: with cookies, and saying where forms are sent from."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from types import MappingProxyType
from typing import Any

import httpx

from order_service.domain.actor import Role
from tests.http.shop import BASE_URL, PASSWORD, Shop

LOG_IN = "/ops/login"
FROM_HERE: Mapping[str, str] = MappingProxyType({"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"})

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_FORM = re.compile(r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)


class Browser:
    """`email`: whose account it is used with."""

    def __init__(self, shop: Shop, *, address: str = "127.0.0.1", email: str = "") -> None:
        self.client = shop.client(address=address)
        self.email = email

    async def get(self, path: str, **said: Any) -> httpx.Response:
        return await self.client.get(path, **said)

    async def send(
        self, path: str, data: Mapping[str, str], headers: Mapping[str, str] = FROM_HERE
    ) -> httpx.Response:
        return await self.client.post(path, data=dict(data), headers=dict(headers))

    async def log_in(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return await self.send(LOG_IN, {"email": email, "password": password, **more})

    async def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of the form on a page that is sent to the page's own address."""
        page = await self.get(path)
        assert page.status_code == 200, page.text
        (form,) = [inside for action, inside in _FORM.findall(page.text) if unescape(action) == path]
        return {name: unescape(value) for name, value in _HIDDEN.findall(form)}

    async def form_token(self) -> str:
        page = await self.get("/ops/deeds")
        found: dict[str, str] = dict(_HIDDEN.findall(page.text))
        return found["form_token"]


@asynccontextmanager
async def somebody(shop: Shop, role: Role) -> AsyncIterator[Browser]:
    """Logged in."""
    person = await shop.member(role)
    await person.client.aclose()
    browser = Browser(shop, email=person.email)
    async with browser.client:
        answer = await browser.log_in(person.email)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/ops"), answer.text
        yield browser
