"""What a process tells of itself: what it counts, where that can be read, and who looks on while it works."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from sqlalchemy import URL

from adapters.http.edge import STREAMS
from adapters.telemetry.asgi import App
from adapters.telemetry.beat import Beat
from adapters.telemetry.counted_requests import CountedRequests
from adapters.telemetry.exposition import Exposition
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.outcomes import timed_jobs, timed_messages, timed_use_cases
from adapters.telemetry.shared import is_shared, shared_directory, shared_registry
from composition.container import VERSION
from composition.health import dependencies
from composition.logs import job_in_log, message_in_log
from composition.settings import Settings, SettingsError
from composition.watching import Watches

_LOOK_SECONDS = 1.0


class Telemetry:
    """Of one event loop, called `loop`, in a process that counts in `metrics`."""

    def __init__(self, metrics: Metrics, role: str, *, loop: str = "main") -> None:
        self.metrics = metrics
        self.beat = Beat(metrics, loop)
        metrics.build.labels(VERSION, role).set(1)

    @property
    def watches(self) -> Watches:
        return Watches(
            use_cases=[timed_use_cases(self.metrics)],
            messages=[message_in_log, timed_messages(self.metrics, self.beat)],
            jobs=[job_in_log, timed_jobs(self.metrics, self.beat)],
        )

    def around_http(self, app: App) -> App:
        """The whole application, watched."""
        return CountedRequests(app, self.metrics, self.beat, streams=STREAMS)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        beat = asyncio.create_task(self.beat.forever())
        try:
            yield
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat


def process_metrics() -> Metrics:
    """Of this process: in the role's directory, if it has one."""
    return Metrics(shared=is_shared())


@contextmanager
def exposed(role: str, settings: Settings, database: URL, metrics: Metrics) -> Iterator[None]:
    """Serves METRICS_PORT, if that is set, for a role of one process: in a thread. Raises SettingsError."""
    if settings.metrics_port is None:
        yield
        return
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=metrics.registry)
    with _listening(role, settings, database, metrics.registry).in_a_thread():
        yield


@contextmanager
def exposed_for_all(role: str, settings: Settings, database: URL) -> Iterator[None]:
    """The same for a role of several processes, which are started meanwhile: in a process beside them.

    Not in a thread, for the role's first process forks, and that is safe only where there are no threads.
    """
    if settings.metrics_port is None:
        yield
        return
    with shared_directory() as directory:
        registry = shared_registry(directory)
        PlatformCollector(registry=registry)
        server = _listening(role, settings, database, registry)
        serving = multiprocessing.get_context("fork").Process(target=_serve, args=(server, os.getpid()), daemon=True)
        serving.start()
        server.socket.close()  # the other process has its own
        try:
            yield
        finally:
            serving.terminate()
            serving.join()


def _serve(server: Exposition, parent: int) -> None:
    """Until it is ended, or its parent is gone without having done so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which asks all: the parent ends this one, and last
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with server.in_a_thread():
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)


def _listening(role: str, settings: Settings, database: URL, registry: CollectorRegistry) -> Exposition:
    address = (settings.metrics_host, settings.metrics_port or 0)
    try:
        return Exposition(address, registry, dependencies(role, settings, database))
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {address[0]}:{address[1]}: {error.strerror}. Stop what runs there, or set "
            "METRICS_HOST and METRICS_PORT to something else."
        ) from error
