"""The queue's jobs, and what they are made of."""

import signal
from types import FrameType
from uuid import UUID

from dishka import AsyncContainer
from dramatiq import Middleware
from dramatiq.brokers.redis import RedisBroker

from adapters.telemetry.tracing import UNTRACED, Tracing
from adapters.worker.actors import Process, declare_actors
from adapters.worker.beside import Beside
from adapters.worker.queue import make_broker
from composition.container import Resources
from composition.process import leave_to_itself
from composition.settings import Settings, SettingsError
from composition.telemetry.counting import Telemetry
from composition.telemetry.tracing import traced_jobs
from composition.telemetry.watching import together
from order_service.use_cases.process_order import ProcessOrder


class _Ending(Middleware):
    """Of a worker's process, which dies without its container being closed: what it has of traces is sent."""

    tracing: Tracing = UNTRACED

    def after_worker_shutdown(self, *_: object) -> None:
        self.tracing.close()


class _OneStop(Middleware):
    """Being told to stop a second time changes nothing.

    systemd tells every process of a service, and the first of them tells the others again: those would then break off
    what they are about to finish, and never end.
    """

    def after_process_boot(self, *_: object) -> None:
        stop = signal.getsignal(signal.SIGTERM)

        def once(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if callable(stop):
                stop(number, frame)

        signal.signal(signal.SIGTERM, once)


def job_broker(settings: Settings, resources: Resources, telemetry: Telemetry) -> RedisBroker:
    """A broker that knows its actors. Raises SettingsError without a Redis."""
    if settings.redis is None:
        raise SettingsError("Set REDIS_HOST or REDIS_URL; without them there is no queue to work on.")
    watches = telemetry.watches
    opened: list[AsyncContainer] = []
    ready: list[Process] = []
    ending = _Ending()

    async def process(order_id: UUID, trace: str | None) -> None:
        if not opened:  # in the event loop in which all jobs of this process run, so only now
            opened.append(telemetry.container(settings, resources))
        if not ready:  # once for all jobs, for it keeps nothing of any
            tracing = await opened[0].get(Tracing)
            ending.tracing = tracing
            ready.append(traced_jobs(await opened[0].get(ProcessOrder), tracing, together(watches.jobs)))
            leave_to_itself()
        await ready[0](order_id, trace)

    broker = make_broker(settings.redis)
    broker.add_middleware(Beside(telemetry.beat.forever))
    broker.add_middleware(ending)
    broker.add_middleware(_OneStop())
    declare_actors(broker, process=process)
    return broker
