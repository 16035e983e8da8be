"""What is measured: real services, and upon a database of its own ours and the bare app, as processes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from sqlalchemy import URL, make_url

from composition.database import migrate
from tests.benchmarks.usage import Processes
from tests.fleet.people import SECRET_KEY
from tests.fleet.roles import Fleet
from tests.fleet.topics import make_topics
from tests.services import KafkaServer, RedisServer
from tests.services.postgres import PostgresServer
from tests.services.server import free_port

QUOTAS = {
    "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "100000000",
    "RATE_LIMIT_ORDERS_PER_MINUTE": "100000000",
    "WRONG_PASSWORDS_PER_HOUR": "100000000",
    "SCREENING_MOST_ORDERS_PER_HOUR": "100000000",
    "APP_DRAIN_SECONDS": "0",
}
"""So high that nobody meets them; they are counted as ever. Everything else is as it is by default."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`topic` is its own, and `environment` what its processes are told."""

    folder: Path
    database: URL
    redis: str
    kafka: str
    topic: str
    environment: dict[str, str]
    services: Processes
    workers: int

    @contextmanager
    def app(self, name: str, *, api: str = "composition.api", **settings: str) -> Iterator[Fleet]:
        """A process of the API, or what is served in its place; it is ready."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        environment = {**self.environment, **settings}
        with Fleet(folder, environment, port=free_port(), api=api, api_workers=self.workers) as fleet:
            fleet.start("api")
            fleet.until_ready()
            yield fleet

    def ask(self, query: str, *given: object) -> list[Any]:
        return asyncio.run(_ask(self.database, query, *given))


def api_of(fleet: Fleet) -> Processes:
    return Processes(lambda: [fleet.pid("api")])


@dataclass(frozen=True, slots=True)
class Services:
    folder: Path
    postgres: PostgresServer
    redis: RedisServer
    kafka: KafkaServer
    workers: int

    def stage(self, name: str) -> Stage:
        """Upon a new database, migrated, with a topic and a database of Redis of its own."""
        known = make_url(self.postgres.env["TEST_POSTGRES_URL"])
        asyncio.run(_ask(known, f"CREATE DATABASE {name}"))
        database = known.set(database=name)
        migrate(database)
        topic = f"bench-{name}"
        asyncio.run(make_topics(self.kafka.bootstrap_servers, [topic, f"{topic}.dead_letter"]))
        folder = self.folder / f"stage-{name}"
        folder.mkdir()
        url = database.render_as_string(hide_password=False)
        redis = self.redis.url.removesuffix("/0") + f"/{len(list(self.folder.glob('stage-*'))) - 1}"
        return Stage(
            folder=folder,
            database=database,
            redis=redis,
            kafka=self.kafka.bootstrap_servers,
            topic=topic,
            environment={
                "DATABASE_URL": url,
                "REDIS_URL": redis,
                "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
                "KAFKA_TOPIC": topic,
                "SECRET_KEY": SECRET_KEY,
                **QUOTAS,
            },
            services=asyncio.run(_service_processes(database, self.redis)),
            workers=self.workers,
        )


@contextmanager
def real_services(folder: Path, workers: int) -> Iterator[Services]:
    postgres, redis, kafka = PostgresServer(folder), RedisServer(folder), KafkaServer(folder)
    try:
        for server in (postgres, redis, kafka):
            server.start()
        yield Services(folder, postgres, redis, kafka, workers)
    finally:
        kafka.stop()
        redis.stop()
        postgres.remove()


async def _service_processes(database: URL, redis: RedisServer) -> Processes:
    """PostgreSQL's, whose first one is the parent of any backend, and Redis's."""
    connection = await _connect(database)
    [[backend]] = await connection.fetch("SELECT pg_backend_pid()")
    postgres = psutil.Process(backend).ppid()
    await connection.close()
    assert redis.process is not None
    pids = [postgres, redis.process.pid]
    return Processes(lambda: pids)


async def _ask(database: URL, query: str, *given: object) -> list[Any]:
    connection = await _connect(database)
    try:
        return list(await connection.fetch(query, *given))
    finally:
        await connection.close()


async def _connect(database: URL) -> Any:
    return await asyncpg.connect(database.set(drivername="postgresql").render_as_string(hide_password=False))
