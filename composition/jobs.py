"""The queue's jobs, and what they are made of."""

from uuid import UUID

from dishka import AsyncContainer
from dramatiq.brokers.redis import RedisBroker

from adapters.worker.actors import declare_actors
from adapters.worker.queue import make_broker
from composition.container import Resources, make_container
from composition.process import leave_to_itself
from composition.settings import Settings, SettingsError
from composition.watching import NOBODY, Watches, together
from order_service.use_cases.process_order import ProcessOrder


def job_broker(settings: Settings, resources: Resources, watches: Watches = NOBODY) -> RedisBroker:
    """A broker that knows its actors. Raises SettingsError without a Redis."""
    if settings.redis is None:
        raise SettingsError("Set REDIS_HOST or REDIS_URL; without them there is no queue to work on.")
    around = together(watches.jobs)
    opened: list[AsyncContainer] = []
    ready: list[ProcessOrder] = []

    async def process(order_id: UUID) -> None:
        if not opened:  # in the event loop in which all jobs of this process run, so only now
            opened.append(make_container(settings, resources, watches))
        if not ready:  # once for all jobs, for it keeps nothing of any
            ready.append(await opened[0].get(ProcessOrder))
            leave_to_itself()
        with around(order_id):
            await ready[0](order_id)

    broker = make_broker(settings.redis)
    declare_actors(broker, process=process)
    return broker
