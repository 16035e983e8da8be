"""A shop whose database is lost and made anew of a backup: what is there again, what is not, what happens twice."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from sqlalchemy import make_url

from adapters.embedded.postgres import home_of, installed_binaries
from composition.database import migrate
from tests.chaos.heard import not_heard
from tests.composition.test_people import order_service
from tests.fleet.people import Headers, a_customer
from tests.fleet.roles import Fleet
from tests.fleet.topics import tell, told
from tests.fleet.waiting import until
from tests.services import RedisServer
from tests.services.postgres import PostgresServer
from tests.services.server import free_port

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 3, "unit_price": "4.50"}]}
BEFORE, PAID, AFTER, ANEW = 60, 20, 10, 10
"""Orders placed before the backup, those of them that are paid, orders after the backup, and after the restore."""

Restore = Callable[["Shop", PostgresServer], None]


@dataclass(slots=True)
class Shop:
    """Processes on one PostgreSQL after another; Kafka stays, and Redis is emptied between."""

    folder: Path
    environment: dict[str, str]
    postgres: PostgresServer
    redis: RedisServer
    placed: list[str] = field(default_factory=list)
    fleet: Fleet | None = None

    @property
    def kafka(self) -> str:
        return self.environment["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def url(self) -> str:
        return self.environment["DATABASE_URL"]

    async def open(self, *roles: str) -> None:
        self.fleet = Fleet(self.folder, self.environment, port=free_port())
        self.fleet.start(*roles)
        await asyncio.to_thread(self.fleet.until_ready)

    async def close(self) -> None:
        if self.fleet is not None:
            await asyncio.to_thread(self.fleet.stop)

    def http(self) -> httpx.AsyncClient:
        assert self.fleet is not None
        return httpx.AsyncClient(base_url=self.fleet.address, timeout=30)

    async def place(self, number: int, who: Headers, http: httpx.AsyncClient) -> list[str]:
        answers = [await http.post("/api/v1/orders", json=AN_ORDER, headers=who) for _ in range(number)]
        assert {answer.status_code for answer in answers} == {201}
        return [answer.json()["id"] for answer in answers]

    async def pay(self, orders: list[str]) -> None:
        for order_id in orders:
            paid = {"payment_id": f"pay-{order_id}", "order_id": order_id, "amount": "13.50", "currency": "EUR"}
            paid["captured_at"] = "2026-01-01T00:00:00Z"
            await tell(
                self.kafka, self.environment["KAFKA_PAYMENTS_TOPIC"], "payment.captured", paid, id=f"m-{order_id}"
            )

    async def ask(self, query: str) -> Any:
        database: Any = await asyncpg.connect(self.url.replace("postgresql+asyncpg", "postgresql"))
        try:
            return await database.fetch(query)
        finally:
            await database.close()

    async def is_settled(self) -> bool:
        """All is screened, told, heard, and the payments that were told are recorded."""
        [[queued]] = await self.ask("SELECT count(*) FROM orders WHERE processing_status <> 'PROCESSED'")
        if queued or json.loads((await self.command("relay", "status", "--json")).stdout)["relay"]["events"]:
            return False
        topics = [self.environment["KAFKA_TOPIC"], self.environment["KAFKA_PAYMENTS_TOPIC"]]
        return await not_heard(self.kafka, topics) == 0

    async def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(order_service, make_url(self.url), *arguments)


@pytest.fixture
async def shop(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Shop]:
    postgres, redis = PostgresServer(tmp_path / "first"), RedisServer(tmp_path / "redis")
    for server in (postgres, redis):
        await asyncio.to_thread(server.start)
    url = postgres.env["TEST_POSTGRES_URL"]
    await asyncio.to_thread(migrate, make_url(url))
    opened = Shop(tmp_path, environment | {"DATABASE_URL": url, "REDIS_URL": redis.url}, postgres, redis)
    try:
        yield opened
    finally:
        await opened.close()
        redis.stop()
        await asyncio.to_thread(postgres.remove)


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    server = PostgresServer(tmp_path / "second")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.remove)


def dumped(shop: Shop) -> Restore:
    """`pg_dump`, restored by `pg_restore` into a database of another cluster."""
    file = shop.folder / "backup.dump"
    tool("pg_dump", shop.postgres, "--format=custom", f"--file={file}", "--dbname=postgres")

    def restore(_: Shop, into: PostgresServer) -> None:
        tool("pg_restore", into, "--exit-on-error", "--no-owner", "--jobs=2", "--dbname=postgres", str(file))

    return restore


def copied(shop: Shop) -> Restore:
    """`pg_basebackup`, which another instance starts on: the same cluster, as it was then."""
    folder = shop.folder / "base"
    tool("pg_basebackup", shop.postgres, f"--pgdata={folder}", "--wal-method=stream", "--checkpoint=fast")

    def restore(shop: Shop, into: PostgresServer) -> None:
        into.stop()
        old, new = home_of(shop.postgres.data), home_of(into.data)
        owner = (new / "data").stat()
        shutil.rmtree(new / "data")
        shutil.copytree(folder, new / "data")
        (new / "password").write_text((old / "password").read_text())
        for path in (new / "data", *(new / "data").rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        (new / "data").chmod(0o700)
        into.start()

    return restore


@pytest.mark.parametrize("back_up", [dumped, copied], ids=["pg_dump", "pg_basebackup"])
async def test_a_shop_goes_on_from_a_backup_and_nothing_takes_effect_twice(
    shop: Shop, second: PostgresServer, back_up: Callable[[Shop], Restore]
) -> None:
    await shop.open()
    async with shop.http() as http:
        ann = await a_customer(http)
        before = await shop.place(BEFORE, ann, http)
        await shop.pay(before[:PAID])
        meanwhile = asyncio.create_task(shop.place(BEFORE, ann, http))  # while the backup is taken
        restore = await asyncio.to_thread(back_up, shop)
        during = await meanwhile
        lost = await shop.place(AFTER, ann, http)
    await until(shop.is_settled)
    await shop.close()
    await asyncio.to_thread(shop.postgres.stop)
    published_before = len(await told(shop.kafka, shop.environment["KAFKA_TOPIC"]))

    await asyncio.to_thread(restore, shop, second)
    shop.environment["DATABASE_URL"] = second.env["TEST_POSTGRES_URL"]
    shop.redis.stop()
    shutil.rmtree(shop.redis.data)  # what it remembers is of a time that never was
    shop.redis.start()
    another_cluster = back_up is dumped
    if another_cluster:
        await assert_the_relay_refuses(shop)
    rebased = json.loads((await shop.command("relay", "rebase", "--json")).stdout)
    assert rebased["rebased"] is another_cluster
    assert (await shop.command("consistency")).returncode == 0
    await hear_again(shop, "KAFKA_PAYMENTS_TOPIC")
    await shop.open()
    await until(shop.is_settled)

    async with shop.http() as http:
        anew = await shop.place(ANEW, ann, http)
        await shop.pay(anew)
        await until(shop.is_settled)
        gone = [
            order
            for order in before + during + lost
            if (await http.get(f"/api/v1/orders/{order}", headers=ann)).status_code == 404
        ]
    assert set(lost) <= set(gone) <= set(lost) | set(during)
    assert (await shop.command("consistency")).returncode == 0
    await assert_every_effect_is_there_once(shop, paid=before[:PAID] + anew)

    log = {str(row["id"]) for row in await shop.ask("SELECT id FROM order_events")}
    records = Counter(
        dict(record.headers)["ce_id"].decode() for record in await told(shop.kafka, shop.environment["KAFKA_TOPIC"])
    )
    again = sum(times - 1 for times in records.values())
    assert log - set(records) == set(), "every event of the log is on Kafka"
    assert again <= rebased["relay"]["events"], "no more are told again than the backup had not seen told"
    [[heard]] = await shop.ask("SELECT count(*) FROM inbox")
    there = [len(set(orders) - set(gone)) for orders in (before, during, lost)]
    print(
        f"{back_up.__name__}: orders before, during and after the backup: {BEFORE}, {BEFORE}, {AFTER}; there again:"
        f" {there}; records on Kafka: {published_before} before, {sum(records.values())} at the end, {again} of them"
        f" again (of {rebased['relay']['events']} that could be), {len(set(records) - log)} of what was lost;"
        f" {heard} messages heard"
    )


async def assert_the_relay_refuses(shop: Shop) -> None:
    relay = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "composition.relay"),
        env={"PATH": os.environ["PATH"], **shop.environment},
        cwd=shop.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(relay.communicate(), 60)
    assert relay.returncode == 1
    assert "order-service relay rebase" in said.decode()


async def hear_again(shop: Shop, *settings: str) -> None:
    """As `kafka-consumer-groups --reset-offsets --to-earliest` does: the inbox knows what it has heard already."""
    for topic in (shop.environment[name] for name in settings):
        group = f"order-service-{topic}"
        consumer = AIOKafkaConsumer(bootstrap_servers=shop.kafka, group_id=group, enable_auto_commit=False)
        await consumer.start()
        consumer.assign([TopicPartition(topic, number) for number in range(3)])
        await consumer.commit({place: OffsetAndMetadata(0, "") for place in consumer.assignment()})
        await consumer.stop()


async def assert_every_effect_is_there_once(shop: Shop, *, paid: list[str]) -> None:
    rows = await shop.ask(
        "SELECT o.id::text, o.body::jsonb ->> 'captured' AS captured,"
        " jsonb_array_length(o.body::jsonb -> 'payments') AS n,"
        " (SELECT count(*) FROM order_events e WHERE e.aggregateid = o.id AND e.type = 'order.placed') AS placed,"
        " (SELECT count(*) FROM order_events e WHERE e.aggregateid = o.id AND e.type = 'order.processed') AS screened"
        " FROM orders o"
    )
    assert {(row["placed"], row["screened"]) for row in rows} == {(1, 1)}
    assert {row["id"] for row in rows if (row["captured"], row["n"]) == ("13.50", 1)} == set(paid)
    assert {row["captured"] for row in rows if row["id"] not in paid} == {"0.00"}


async def test_the_service_s_own_database_is_written_to_a_file_while_it_runs_and_made_anew_of_it(
    tmp_path: Path,
) -> None:
    settings = {"APP_PORT": str(free_port()), "SECRET_KEY": uuid4().hex + uuid4().hex}
    first, second = ({**settings, "VAR_DIR": str(tmp_path / name)} for name in ("first", "second"))
    address, file = f"http://127.0.0.1:{settings['APP_PORT']}", tmp_path / "backup"
    up = await running_up(first, address)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=30) as http:
            ann = await a_customer(http)
            kept = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()["id"]
            assert (await command(first, "backup", str(file))).returncode == 0
            lost = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()["id"]
    finally:
        up.terminate()
        await up.wait()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (await command(first, "backup", str(file))).returncode == 2, "it is there already"
    assert (await command(first, "backup", f"{file}.2")).returncode == 0, "while nothing runs, too"
    assert (await command(first, "restore", str(file))).returncode == 1, "there is a database"
    restored = await command(second, "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    up = await running_up(second, address)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=30) as http:
            statuses = [
                (await http.get(f"/api/v1/orders/{order}", headers=ann)).status_code for order in (kept, lost)
            ]
            assert statuses == [200, 404]
            assert (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).status_code == 201
    finally:
        up.terminate()
        await up.wait()
        for name in ("first", "second"):
            remove(tmp_path / name / "postgres")


async def running_up(settings: dict[str, str], address: str) -> asyncio.subprocess.Process:
    up = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "composition.cli", "up"),
        env={"PATH": os.environ["PATH"], **settings},
        cwd="/",
        stdout=asyncio.subprocess.DEVNULL,
    )

    async def is_ready() -> bool:
        assert up.returncode is None
        async with httpx.AsyncClient(base_url=address) as http:
            try:
                return (await http.get("/readyz")).is_success
            except httpx.TransportError:
                return False

    await until(is_ready, patience=60)
    return up


async def command(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "composition.cli", *arguments],
        env={"PATH": os.environ["PATH"], **settings},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def tool(program: str, server: PostgresServer, *arguments: str) -> None:
    url = make_url(server.env["TEST_POSTGRES_URL"])
    where = {"PGHOST": str(url.query["host"]), "PGUSER": str(url.username), "PGPASSWORD": str(url.password)}
    done = subprocess.run(
        [str(installed_binaries() / program), *arguments], env=where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def remove(folder: Path) -> None:
    shutil.rmtree(home_of(folder))
