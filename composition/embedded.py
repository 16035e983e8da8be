"""The whole service in one process: HTTP, relay, worker and scheduler, around a database of its own."""

import asyncio
import secrets
import signal
import socket
from collections.abc import Coroutine
from datetime import timedelta

from dishka import AsyncContainer
from dramatiq import Worker
from granian.constants import Interfaces
from granian.server.embed import Server
from sqlalchemy import URL

from adapters.embedded.events import InProcessJobs
from adapters.embedded.postgres import home_of
from adapters.persistence.event_feed import SqlEventFeed
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.tracing import Tracing
from composition.consumer import consume_forever
from composition.container import Resources
from composition.database import database, embedded_folder, migrate
from composition.http import Http, http_app
from composition.jobs import job_broker
from composition.logs import tell_in_log
from composition.process import leave_to_itself
from composition.refusal import cannot_listen
from composition.relay import relay_forever
from composition.scheduler import schedule_forever
from composition.secret import secret_key
from composition.settings import Settings
from composition.telemetry.counting import Telemetry, process_metrics
from composition.telemetry.exposing import exposed
from composition.telemetry.fleet import sample_fleet
from composition.telemetry.tracing import traced_jobs
from composition.telemetry.watching import together
from order_service.domain.actor import SYSTEM, Role
from order_service.domain.errors import EmailTaken
from order_service.ports import AccountFilter, EventLog
from order_service.use_cases.list_accounts import ListAccounts, ListAccountsQuery
from order_service.use_cases.process_order import ProcessOrder
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from order_service.use_cases.relay_events import RelayEvents
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders

_STOP_SECONDS = 10.0  # in which every request can be answered
_MOST_CONNECTIONS = 10_000  # open ones, idle ones too: whoever comes next waits

_STOP = (signal.SIGINT, signal.SIGTERM)

ADMIN_EMAIL = "admin@order-service.local"


def run_embedded(settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM, and leaves no process behind."""
    tell_in_log(settings.log_format or "text")  # a person started it
    _require_free_port(settings.app_host, settings.app_port, "APP_HOST and APP_PORT")
    if settings.metrics_port is not None:
        _require_free_port(settings.metrics_host, settings.metrics_port, "METRICS_HOST and METRICS_PORT")
    secret = secret_key(settings)
    with database(settings) as url:
        migrate(url)
        metrics = process_metrics()
        try:
            with exposed("up", settings, url, metrics):
                asyncio.run(_serve(settings, url, secret, metrics))
        finally:
            for signal_number in _STOP:  # it stops already: asking again changes nothing
                signal.signal(signal_number, signal.SIG_IGN)


def _require_free_port(host: str, port: int, names: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise cannot_listen(host, port, error, names=names) from error


async def _serve(settings: Settings, url: URL, secret: str, metrics: Metrics) -> None:
    resources = Resources(database=url, secret_key=secret, role="up")
    telemetry = Telemetry(metrics, "up")
    container = telemetry.container(settings, resources, Http())
    worker = None
    if settings.redis is not None:
        worker = Worker(job_broker(settings, resources, Telemetry(metrics, "up", loop="worker")), worker_threads=2)
    stop = asyncio.Event()
    for signal_number in _STOP:
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    try:
        admin_password = await _first_admin(container)
        feed = await container.get(SqlEventFeed)
        server = Server(
            await http_app(container, telemetry),
            address=settings.app_host,
            port=settings.app_port,
            interface=Interfaces.ASGINL,
            websockets=False,
            log_enabled=False,
            backpressure=_MOST_CONNECTIONS,
        )
        if worker is not None:
            worker.start()
        async with telemetry.beating(), asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(part) for part in await _background(container, settings, telemetry)]
            serving = tasks.create_task(server.serve())
            leave_to_itself()
            _announce(settings, admin_password)
            await stop.wait()
            await feed.close()  # else the server would wait for its streams to end
            server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation here
            await asyncio.wait({serving}, timeout=_STOP_SECONDS)
            if not serving.done():  # some client never sends its request, or reads its answer, to the end
                asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server stumbles over its end
                serving.cancel()
            for task in background:
                task.cancel()
    finally:
        if worker is not None:
            await asyncio.to_thread(worker.stop)
        await container.close()


async def _background(
    container: AsyncContainer, settings: Settings, telemetry: Telemetry
) -> list[Coroutine[None, None, None]]:
    metrics = telemetry.metrics
    parts = [
        relay_forever(await container.get(EventLog), await container.get(RelayEvents), metrics),
        schedule_forever(container, metrics, stalled_after=settings.stalled_after),
        sample_fleet(container, metrics, stalled_after=settings.stalled_after),
    ]
    if settings.redis is None:
        jobs = await container.get(InProcessJobs)
        process, tracing = await container.get(ProcessOrder), await container.get(Tracing)
        parts.append(jobs.work(traced_jobs(process, tracing, together(telemetry.watches.jobs))))
        requeue = await container.get(RequeueStalledOrders)
        await requeue(older_than=timedelta(0))  # the jobs that went with the process before this one
    if settings.kafka is not None:
        parts.append(consume_forever(container))
    return parts


async def _first_admin(container: AsyncContainer) -> str | None:
    """The password of the administrator's account, if it was made just now: where there is none at all."""
    admins = ListAccountsQuery(by=SYSTEM, wanted=AccountFilter(role=Role.ADMIN), limit=1)
    if (await (await container.get(ListAccounts))(admins)).accounts:
        return None
    password = secrets.token_urlsafe(12)
    register = await container.get(RegisterAccount)
    try:
        await register(RegisterAccountCommand(email=ADMIN_EMAIL, password=password, role=Role.ADMIN, by=SYSTEM))
    except EmailTaken:
        return None
    return password


def _announce(settings: Settings, admin_password: str | None) -> None:
    address = f"http://{settings.app_host}:{settings.app_port}"
    lines = [
        "The order service runs.",
        f"  try it       {address}/docs",
        *([f"  look after   {address}/ops"] if settings.ops_pages else []),
        f"  data         {settings.var}",
    ]
    if settings.postgres_url is None and (home := home_of(embedded_folder(settings))).parent != settings.var:
        lines.append(f"  database     {home} (not in VAR_DIR: PostgreSQL does not serve root)")
    if admin_password is not None:
        lines.append(f"  admin        {ADMIN_EMAIL}, password {admin_password} (shown this once: write it down)")
    print(*lines, "Ctrl-C stops it.", sep="\n", flush=True)
