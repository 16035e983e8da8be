"""More requests than can be worked on: the others wait a moment, and are then told to come again."""

import asyncio
from typing import Any

import httpx

from adapters.http.edge import Edge, tell_too_busy
from adapters.http.leaving import Leaving
from tests.http.shop import is_careful

AT_ONCE = 256


def around(app: Any) -> Any:
    return Edge(app, allowed_origins=[], leaving=Leaving(), too_busy=tell_too_busy)


class SlowApp:
    """Answers when it is allowed to; `begun` counts the requests that got in."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def test_who_finds_no_place_in_time_is_told_to_come_again_and_streams_take_none() -> None:
    app = SlowApp()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(around(app)), base_url="http://shop.test", limits=limits
    ) as http:
        within = [asyncio.create_task(http.get("/api/v1/orders")) for _ in range(AT_ONCE)]
        await asyncio.sleep(0)
        streams = [asyncio.create_task(http.get("/api/v1/orders/1/events/stream")) for _ in range(100)]
        refused = await http.get("/api/v1/orders", headers={"X-Request-Id": "late"})
        assert app.begun == AT_ONCE + 100
        app.go_on.set()
        answers = await asyncio.gather(*within, *streams)
        after = await http.get("/api/v1/orders")
    assert (refused.status_code, refused.headers["retry-after"], refused.headers["x-request-id"]) == (
        503,
        "1",
        "late",
    )
    assert is_careful(refused)
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["type"], refused.json()["request_id"]) == ("/problems/too-busy", "late")
    assert {answer.status_code for answer in [*answers, after]} == {200}


async def test_who_waits_for_a_moment_only_is_answered() -> None:
    app = SlowApp()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(around(app)), base_url="http://shop.test") as http:
        within = [asyncio.create_task(http.get("/api/v1/orders")) for _ in range(AT_ONCE + 50)]
        while app.begun < AT_ONCE:  # noqa: ASYNC110 - a moment, however busy the machine is
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert app.begun == AT_ONCE
        app.go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*within)} == {200}
