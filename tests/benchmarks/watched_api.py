"""The API with a watch on its event loop: `GET /stall` tells the longest time for which nothing else ran on it.

`busy` is what the loop's own thread worked of that: the rest it was ready to work, and others had the cores.
"""

import asyncio
import time

import msgspec

from adapters.telemetry.asgi import Message, Receive, Send
from composition.api import app as api
from composition.api import serve

_TICK_SECONDS = 0.001


class Watched:
    def __init__(self) -> None:
        self._stalled = self._busy = 0.0
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._watching = asyncio.create_task(self._watch())
        if scope.get("path") != "/stall":
            await api(scope, receive, send)
            return
        told = {"stalled": 1000 * self._stalled, "busy": 1000 * self._busy}
        self._stalled = self._busy = 0.0
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": msgspec.json.encode(told)})

    async def _watch(self) -> None:
        last, last_worked = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now, worked = time.perf_counter(), time.thread_time()
            self._stalled = max(self._stalled, now - last - _TICK_SECONDS)
            self._busy = max(self._busy, worked - last_worked)
            last, last_worked = now, worked


if __name__ == "__main__":
    serve("tests.benchmarks.watched_api:app")
else:
    app = Watched()
