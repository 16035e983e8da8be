"""The port at which a role tells how it is: in which process it is served, and what it asks."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from sqlalchemy import URL

from adapters.telemetry.exposition import Exposition
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.shared import shared_directory, shared_registry
from composition.health import dependencies
from composition.refusal import cannot_listen
from composition.settings import Settings

_LOOK_SECONDS = 1.0


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
        raise cannot_listen(*address, error, names="METRICS_HOST and METRICS_PORT") from error
