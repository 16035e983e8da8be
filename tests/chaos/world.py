"""All processes and services, each of which can be killed and comes back on the same data and the same address."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import uuid4

import redis
from sqlalchemy import make_url

from composition.database import migrate
from tests.fleet.people import SECRET_KEY
from tests.fleet.roles import Fleet
from tests.fleet.topics import make_topics
from tests.services import KafkaServer, RedisServer
from tests.services.postgres import PostgresServer
from tests.services.server import free_port

SERVICES = ("postgres", "kafka", "redis")


class World:
    def __init__(self, folder: Path, *, api_workers: int = 1) -> None:
        self._folder = folder
        self._api_workers = api_workers
        self.postgres, self.kafka, self.redis = PostgresServer(folder), KafkaServer(folder), RedisServer(folder)
        name = f"orders-{uuid4().hex[:8]}"
        self.topics = {
            "KAFKA_TOPIC": name,
            "KAFKA_PAYMENTS_TOPIC": f"{name}.payments",
            "KAFKA_SHIPMENTS_TOPIC": f"{name}.shipments",
        }
        self.fleet: Fleet
        self.database_url = ""

    @property
    def victims(self) -> tuple[str, ...]:
        return (*self.fleet.roles, *SERVICES, "redis's data")

    async def start(self) -> None:
        for server in (self.postgres, self.kafka, self.redis):
            await asyncio.to_thread(server.start)
        self.database_url = self.postgres.env["TEST_POSTGRES_URL"]
        await asyncio.to_thread(migrate, make_url(self.database_url))
        dead_letters = f"{self.topics['KAFKA_TOPIC']}.dead_letter"
        await make_topics(self.kafka.bootstrap_servers, [*self.topics.values(), dead_letters])
        environment = {
            **self.topics,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis.url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "SECRET_KEY": SECRET_KEY,
            "RATE_LIMIT_ACCOUNTS_PER_MINUTE": "100000",
            "RATE_LIMIT_ORDERS_PER_MINUTE": "10000000",
            "SCREENING_MOST_ORDERS_PER_HOUR": "10000000",
            "STALLED_AFTER_SECONDS": "10",
        }
        self.fleet = Fleet(self._folder, environment, port=free_port(), api_workers=self._api_workers)
        self.fleet.start()
        await asyncio.to_thread(self.fleet.until_ready)

    async def kill(self, victim: str) -> None:
        """kill -9; what was written to `redis's data` is forgotten while Redis itself lives on."""
        match victim:
            case "redis's data":
                with redis.Redis.from_url(self.redis.url, socket_timeout=5) as client:
                    client.flushall()
            case "postgres":
                os.kill(self._postmaster(), signal.SIGKILL)
                self.postgres.kill()  # the process that held it
            case "kafka":
                self.kafka.kill()
            case "redis":
                self.redis.kill()
            case role:
                await asyncio.to_thread(self.fleet.kill, role)

    async def revive(self, victim: str) -> None:
        match victim:
            case "redis's data":
                pass
            case "postgres":
                await asyncio.to_thread(self.postgres.start)
            case "kafka":
                await asyncio.to_thread(self.kafka.start)
            case "redis":
                await asyncio.to_thread(self.redis.start)
            case role:
                self.fleet.start(role)

    def stop(self) -> None:
        self.fleet.stop()
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def _postmaster(self) -> int:
        location = self.postgres.data / "location"
        home = Path(location.read_text().strip()) if location.exists() else self.postgres.data
        return int((home / "data" / "postmaster.pid").read_text().split()[0])
