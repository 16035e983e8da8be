"""The queue's jobs, and what they are made of."""

from uuid import UUID

from dishka import AsyncContainer
from dramatiq.brokers.redis import RedisBroker

from adapters.worker.actors import declare_actors
from adapters.worker.beside import Beside
from adapters.worker.queue import make_broker
from composition.container import Resources, make_container
from composition.counting import Counting
from composition.process import leave_to_itself
from composition.settings import Settings, SettingsError
from composition.telemetry import Telemetry
from composition.watching import together
from order_service.use_cases.process_order import ProcessOrder


def job_broker(settings: Settings, resources: Resources, telemetry: Telemetry) -> RedisBroker:
    """A broker that knows its actors. Raises SettingsError without a Redis."""
    if settings.redis is None:
        raise SettingsError("Set REDIS_HOST or REDIS_URL; without them there is no queue to work on.")
    watches = telemetry.watches
    around = together(watches.jobs)
    opened: list[AsyncContainer] = []
    ready: list[ProcessOrder] = []

    async def process(order_id: UUID) -> None:
        if not opened:  # in the event loop in which all jobs of this process run, so only now
            opened.append(make_container(settings, resources, watches, Counting(telemetry)))
        if not ready:  # once for all jobs, for it keeps nothing of any
            ready.append(await opened[0].get(ProcessOrder))
            leave_to_itself()
        with around(order_id):
            await ready[0](order_id)

    broker = make_broker(settings.redis)
    broker.add_middleware(Beside(telemetry.beat.forever))
    declare_actors(broker, process=process)
    return broker
