"""What runs beside the jobs, in the event loop in which they run."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future

from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware


class Beside(Middleware):
    """Runs `work()` for as long as this process's worker does. It stands behind `AsyncIO`, which makes the loop."""

    def __init__(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._work = work
        self._running: Future[None] | None = None

    def after_worker_boot(self, *_: object) -> None:
        thread = get_event_loop_thread()
        if thread is not None:
            self._running = asyncio.run_coroutine_threadsafe(self._work(), thread.loop)

    def before_worker_shutdown(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
