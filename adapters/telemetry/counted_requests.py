"""Counts what is answered over HTTP."""

import time
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from adapters.telemetry.asgi import METHODS, App, Message, Receive, Send
from adapters.telemetry.beat import Beat
from adapters.telemetry.metrics import Metrics

_NONE = "none"


class CountedRequests:
    """Around the whole application. `streams`: how the address of what stays open for long ends.

    A request that nobody has a route for counts as one of the route `none`, and one whose client went before there
    was an answer has the status `none`.
    """

    def __init__(self, app: App, metrics: Metrics, beat: Beat, *, streams: Sequence[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._streams = tuple(streams)
        self._open = {"request": 0, "stream": 0}
        beat.sample(self._sample)
        self._counters: dict[tuple[str, str, int | str], Counter] = {}  # asking the library for one costs more
        self._histograms: dict[tuple[str, str], Histogram] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind = "stream" if scope["path"].endswith(self._streams) else "request"
        self._open[kind] += 1
        began = time.perf_counter()
        answered = False

        async def send_and_note(message: Message) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._note(scope, message.get("status", _NONE), time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            self._open[kind] -= 1
            if not answered:
                self._note(scope, _NONE, time.perf_counter() - began)

    def _sample(self) -> None:
        for kind, number in self._open.items():
            self._metrics.http_in_progress.labels(kind).set(number)

    def _note(self, scope: Message, status: int | str, seconds: float) -> None:
        method = scope["method"]
        where = (method if method in METHODS else _NONE, scope.get("path_template") or _NONE)
        counter = self._counters.get((*where, status))
        if counter is None:
            counter = self._counters[(*where, status)] = self._metrics.http_requests.labels(*where, status)
        counter.inc()
        histogram = self._histograms.get(where)
        if histogram is None:
            histogram = self._histograms[where] = self._metrics.http_seconds.labels(*where)
        histogram.observe(seconds)
