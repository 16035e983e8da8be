"""`just bench traces`: what traces cost a request, reckoned without what the request itself costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from adapters.telemetry.contexts import current_trace
from adapters.telemetry.exporting import traces_to
from adapters.telemetry.spans import around_queries, around_use_cases
from adapters.telemetry.traced_requests import TracedRequests
from adapters.telemetry.tracing import UNTRACED, Collector, Tracing

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/api/v1/orders",
    "path_template": "/api/v1/orders",
    "headers": [(b"name-%d" % number, b"value") for number in range(10)],
}
ROUNDS, REQUESTS = 7, 2_000


def an_app(tracing: Tracing) -> Callable[..., Awaitable[None]]:
    """Asks the database four times, writes to the log, and commits, as placing an order does; at no cost."""
    queries = around_queries(tracing) if tracing.is_on else nullcontext
    use_case = around_use_cases(tracing)(object)

    async def place() -> None:
        if tracing.is_on:  # else nothing is put around them
            for _ in range(4):
                with queries("SELECT orders"):
                    pass
        current_trace()
        with queries("COMMIT"):
            pass

    async def app(_: Any, __: Any, send: Any) -> None:
        if tracing.is_on:
            with use_case():
                await place()
        else:
            await place()
        await send({"type": "http.response.start", "status": 201})

    return TracedRequests(app, tracing, request_id=lambda: "1")


async def bare(_: Any, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 201})


async def microseconds(app: Callable[..., Awaitable[None]]) -> float:
    """Of the processor, with what is done behind the request; of the quickest round."""

    async def send(message: Any) -> None:
        pass

    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(REQUESTS):
            await app(SCOPE, None, send)
        best = min(best, (time.process_time() - began) / REQUESTS * 1e6)
    return best


async def main() -> None:
    without = await microseconds(bare)
    print(f"{await microseconds(an_app(UNTRACED)) - without:.1f} us a request, without a collector")
    for ratio in (0.0, 1.0):
        nowhere = traces_to(Collector(endpoint="http://127.0.0.1:9", ratio=ratio), role="api", version="1")
        cost = await microseconds(an_app(nowhere)) - without
        nowhere.close()
        print(f"{cost:.1f} us a request, of which {ratio:.0%} are recorded")


if __name__ == "__main__":
    asyncio.run(main())
