"""Customers who place orders as fast as they can, and repeat a request until somebody answers it."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx


@dataclass(slots=True)
class Placing:
    """What one customer asked for with one key, and what was answered; `order` is None until then."""

    key: str
    customer_id: str
    wanted: dict[str, Any]
    order: dict[str, Any] | None = None


@dataclass(slots=True)
class Diary:
    """All that the clients know: what the checker holds against the service."""

    placings: list[Placing] = field(default_factory=list)
    retries: int = 0
    differing_answers: int = 0

    @property
    def acknowledged(self) -> list[Placing]:
        return [placing for placing in self.placings if placing.order is not None]


class Customer:
    def __init__(self, address: str, diary: Diary, *, seed: int, share_sent_twice: float = 0.2) -> None:
        self._address = address
        self._http = httpx.AsyncClient(base_url=address, timeout=5)
        self._diary = diary
        self._random = random.Random(seed)
        self._share_sent_twice = share_sent_twice
        self._headers: dict[str, str] = {}
        self._id = ""

    @property
    def id(self) -> str:
        return self._id

    async def register(self) -> None:
        account = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
        self._id = (await self._http.post("/api/v1/accounts", json=account)).raise_for_status().json()["id"]
        form = {"grant_type": "password", "username": account["email"], "password": account["password"]}
        token = (await self._http.post("/api/v1/auth/token", data=form)).raise_for_status().json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    async def place_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            placing = self._something_new()
            self._diary.placings.append(placing)
            copies = 2 if self._random.random() < self._share_sent_twice else 1
            answers = await asyncio.gather(*(self._placed(placing) for _ in range(copies)))
            placing.order = answers[0].json()
            self._diary.differing_answers += len({answer.content for answer in answers}) - 1
            await self.placed(placing)
        await self._http.aclose()

    async def placed(self, placing: Placing) -> None:
        """What this customer does next."""

    async def own_orders(self) -> list[dict[str, Any]]:
        """All of this customer's, as the service lists them."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 100}
        async with httpx.AsyncClient(base_url=self._address, timeout=30, headers=self._headers) as http:
            while True:
                page = (await http.get("/api/v1/orders", params=query)).raise_for_status().json()
                found += page["items"]
                if page["next_cursor"] is None:
                    return found
                query["cursor"] = page["next_cursor"]

    def _something_new(self) -> Placing:
        """One to three lines that no other order has."""
        key = uuid4().hex
        lines = [
            {
                "name": f"Thing {number} of {key}",
                "quantity": self._random.randint(1, 9),
                "unit_price": f"{self._random.randint(1, 99)}.{self._random.randint(0, 99):02}",
            }
            for number in range(self._random.randint(1, 3))
        ]
        return Placing(key, self._id, {"currency": "EUR", "lines": lines})

    async def _placed(self, placing: Placing) -> httpx.Response:
        """Again and again with the same key, until there is an answer that counts."""
        headers = {**self._headers, "Idempotency-Key": placing.key}
        while True:
            try:
                answer = await self._http.post("/api/v1/orders", json=placing.wanted, headers=headers)
                if answer.status_code < 500:
                    return answer.raise_for_status()
            except httpx.TransportError:
                pass
            self._diary.retries += 1
            await asyncio.sleep(0.05)
