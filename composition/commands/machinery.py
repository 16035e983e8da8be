"""The relay, the job queue and the dead letters, seen and mended by whoever runs the service."""

import argparse
from collections.abc import Iterable
from uuid import UUID

from dishka import AsyncContainer
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.event_log import SqlEventLog
from composition.commands.command import (
    DONE,
    REFUSED,
    Commands,
    add_json,
    age,
    away,
    carry_out,
    complain,
    second,
    tell,
    tell_columns,
    with_engine,
)
from composition.lags import CURSOR
from composition.settings import Settings, SettingsError
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import DeadJob, Lags
from order_service.use_cases.retry_job import RetryJob
from order_service.use_cases.see_machinery import SeeMachinery


def add_commands(commands: Commands) -> None:
    relay = commands.group("relay", "see how far those are behind who read the event log, or rebase a restored one")
    status = relay.add(
        "status",
        relay_status,
        "see how far the relay and the consumer are behind",
        about="""Prints how many events are not on Kafka yet (without one: not told within the service), and since
        when the oldest of them waits; and for each topic that the service hears, how many messages it has
        yet to hear.""",
    )
    add_json(status)
    rebase = relay.add(
        "rebase",
        relay_rebase,
        "make an event log readable that was restored in another PostgreSQL cluster",
        about="""After a restore by pg_dump, or into any cluster that is not the one of the backup, the relay
        refuses the log, for its transaction ids mean nothing there. This numbers it anew: what was
        published stays published, the rest follows. Stop all relays before: while one is active it refuses.
        A log that is of this cluster stays as it is.""",
    )
    add_json(rebase)

    queue = commands.group("queue", "see the job queue, or have a dead job done after all")
    seen = queue.add(
        "status",
        queue_status,
        "see how many jobs there are, who works, and which jobs died lately",
        about="""Prints how many jobs wait, wait for another try, are being done and are dead; the processes; and the
        newest dead jobs.""",
    )
    add_json(seen)
    retry = queue.add(
        "retry",
        queue_retry,
        "have a dead job done after all",
        about="It goes back among those to be done now. Who asked for it is noted with the deeds of operators.",
    )
    retry.add_argument("job", type=UUID, metavar="JOB", help="its id, as `queue status` prints it")
    add_json(retry)


def relay_status(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> int:
        lags = await container.get(Lags)
        relay = await lags.of_relay()
        try:
            consumer = await lags.of_consumer()
        except DependencyUnavailable as error:
            complain(away(error, settings))
            consumer = None
        if given.json:
            tell({"relay": {"events": relay.events, "oldest": relay.oldest}, "consumer": consumer})
        else:
            since = f", the oldest for {age(relay.oldest)}" if relay.oldest else ""
            print(f"relay     {_waiting(relay.events, settings)}{since}")
            for topic, messages in (consumer or {}).items():
                print(f"consumer  {messages} messages of {topic} are not heard yet")
        return REFUSED if consumer is None else DONE

    return carry_out(act, settings)


def _waiting(events: int, settings: Settings) -> str:
    if settings.kafka is None:
        return f"{events} events wait to be told within the service (KAFKA_HOST is not set, so there is no Kafka)"
    return f"{events} events wait for Kafka"


def relay_rebase(settings: Settings, given: argparse.Namespace) -> int:
    async def act(engine: AsyncEngine) -> int:
        log = SqlEventLog(engine)
        rebased = await log.rebase(CURSOR)
        lag = await log.lag(CURSOR)
        if given.json:
            tell({"rebased": rebased, "relay": {"events": lag.events, "oldest": lag.oldest}})
        else:
            print("The log is numbered anew." if rebased else "The log is of this cluster: nothing to do.")
            print(f"{_waiting(lag.events, settings)}.")
        return DONE

    return with_engine(settings, act)


def queue_status(settings: Settings, given: argparse.Namespace) -> int:
    _require_redis(settings)

    async def act(container: AsyncContainer) -> None:
        jobs = await (await container.get(SeeMachinery)).jobs(by=SYSTEM)
        if jobs is None:
            raise DependencyUnavailable("Redis")
        if given.json:
            tell(jobs)
            return
        delayed = f"{jobs.delayed} wait for another try"
        print(f"{jobs.waiting} wait, {delayed}, {jobs.running} are being done, {jobs.dead} are dead.")
        if jobs.processes:
            print("\nProcesses")
            heard = ((f"  {one.id}", f"{age(one.last_heard)} ago", one.taken) for one in jobs.processes)
            tell_columns([("  id", "last heard", "jobs taken"), *heard])
        if jobs.newest_dead:
            print("\nNewest dead jobs (`order-service queue retry ID`)")
            dead = ((f"  {job.id}", second(job.died_at), _orders(job), job.reason) for job in jobs.newest_dead)
            tell_columns([("  id", "died", "orders", "reason"), *dead])

    return carry_out(act, settings)


def queue_retry(settings: Settings, given: argparse.Namespace) -> int:
    _require_redis(settings)

    async def act(container: AsyncContainer) -> None:
        job = await (await container.get(RetryJob))(str(given.job), by=SYSTEM)
        tell(job) if given.json else print(f"Queued again: job {job.id}, of the orders {_orders(job)}.")

    return carry_out(act, settings)


def _require_redis(settings: Settings) -> None:
    if settings.redis is None:
        raise SettingsError("Set REDIS_HOST or REDIS_URL; without them the queue is inside the service's process.")


def _orders(job: DeadJob) -> str:
    shown: Iterable[object] = job.order_ids[:3]
    more = f" and {len(job.order_ids) - 3} more" if len(job.order_ids) > 3 else ""
    return ", ".join(map(str, shown)) + more
