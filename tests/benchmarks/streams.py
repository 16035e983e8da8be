"""An order's events as they happen, to very many listeners: how many come, and how late the last one hears."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tests.benchmarks.cases import Shop
from tests.benchmarks.shoppers import ORDERS, Placed, request

LISTENERS = 200
WATCHED = 4
PATIENCE_SECONDS = 60

Event = tuple[str, int]
"""An order and the seq of its event."""


@dataclass(slots=True)
class Heard:
    listening: int = 0
    times: dict[Event, list[float]] = field(default_factory=dict)


def sse(shop: Shop) -> None:
    """A few orders, changed one after the other for as long as a round lasts."""
    rounds = [asyncio.run(fan_out(shop.ours.address, shop.placed, shop.seconds)) for _ in range(shop.rounds)]
    for name in rounds[0]:
        shop.report.note(f"sse: {name}", statistics.median(figures[name] for figures in rounds))


async def fan_out(address: str, placed: Sequence[Placed], seconds: int) -> dict[str, float]:
    watched, heard = placed[:: len(placed) // WATCHED][:WATCHED], Heard()
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as http:
        versions = {order.order_id: await version(http, order) for order in watched}
        listeners = [
            asyncio.create_task(listen(address, order, versions[order.order_id], heard))
            for number in range(LISTENERS)
            for order in [watched[number % WATCHED]]
        ]
        try:
            await until(lambda: heard.listening == LISTENERS, listeners)
            began = time.monotonic()
            answered: dict[Event, float] = {}
            while time.monotonic() < began + seconds:
                changes = [change(http, order, str(len(answered))) for order in watched]
                answered.update(await asyncio.gather(*changes))
            each = LISTENERS // WATCHED
            await until(lambda: all(len(heard.times.get(event, ())) == each for event in answered), listeners)
        finally:
            for listener in listeners:
                listener.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
    lags = sorted(1000 * max(0.0, max(heard.times[event]) - at) for event, at in answered.items())
    last = max(max(times) for times in heard.times.values())
    return {
        "changes/s": len(answered) / (last - began),
        "events delivered/s": sum(map(len, heard.times.values())) / (last - began),
        "ms from a change's answer to its last listener, p50": statistics.median(lags),
        "ms from a change's answer to its last listener, p99": lags[len(lags) * 99 // 100],
    }


async def listen(address: str, order: Placed, after: int, heard: Heard) -> None:
    at = urlsplit(address)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(request("GET", f"{ORDERS}/{order.order_id}/events/stream?after={after}", order.token))
    try:
        while line := await reader.readline():
            if line.startswith(b"retry:"):
                heard.listening += 1
            elif line.startswith(b"id: "):
                heard.times.setdefault((order.order_id, int(line[4:])), []).append(time.monotonic())
        raise ConnectionError("a stream ended")
    finally:
        writer.close()


async def change(http: httpx.AsyncClient, order: Placed, note: str) -> tuple[Event, float]:
    """The event and when the change was answered: an event's seq is its order's version."""
    headers = {"Authorization": f"Bearer {order.token}"}
    answer = await http.patch(f"{ORDERS}/{order.order_id}", json={"metadata": {"note": note}}, headers=headers)
    answer.raise_for_status()
    return (order.order_id, int(answer.headers["etag"].strip('"'))), time.monotonic()


async def version(http: httpx.AsyncClient, order: Placed) -> int:
    headers = {"Authorization": f"Bearer {order.token}"}
    read = (await http.get(f"{ORDERS}/{order.order_id}", headers=headers)).raise_for_status()
    return int(read.headers["etag"].strip('"'))


async def until(condition: Callable[[], bool], listeners: Sequence[asyncio.Task[None]]) -> None:
    """Raises what ended a listener, or TimeoutError."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            for listener in listeners:
                if listener.done():
                    listener.result()
            await asyncio.sleep(0.01)
