"""Time, names, and others who are let in wherever a real adapter would wait."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from order_service.domain.ids import order_number
from order_service.domain.secret import SECRET_BYTES


async def others_run() -> None:
    await asyncio.sleep(0)


class SettableClock:
    def __init__(self, at: datetime = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> datetime:
        self.at += by
        return self.at


class SequentialIds:
    """Version 7 UUIDs of one moment that count upwards; those of two `lanes` never meet."""

    def __init__(self, lane: int = 0) -> None:
        self._lane = lane
        self._given = 0

    def new(self) -> UUID:
        self._given += 1
        return UUID(int=0x019C0DE0_0000 << 80 | 7 << 76 | self._lane << 64 | 2 << 62 | self._given)

    def new_order_number(self) -> str:
        self._given += 1
        return order_number(self._given * 1_000_003)

    def new_secret(self) -> bytes:
        self._given += 1
        return self._given.to_bytes(SECRET_BYTES, "big")
