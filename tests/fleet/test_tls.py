"""Everything over TLS, with names and passwords; and nobody is taken for a server who only looks like one."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from redis.exceptions import RedisError
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from adapters.kafka.cluster import Cluster
from adapters.kafka.dead_letters import DeadLetters
from adapters.kafka.producer import Producer
from adapters.persistence.engine import create_engine
from adapters.redis.connection import connect
from composition.settings import Settings, read_settings
from order_service.domain.errors import DependencyUnavailable
from tests.fleet.people import SECRET_KEY, a_customer
from tests.fleet.roles import Fleet
from tests.fleet.test_end_to_end import AN_ORDER, reads
from tests.fleet.waiting import until
from tests.services import KafkaServer, RedisServer
from tests.services.server import free_port
from tests.services.tls import Authority, TlsFront

USER, PASSWORD = "orders", "correct-horse-battery"
HERE, NOT_HERE = "127.0.0.1", "localhost"
"""The certificates are for the first alone, and both lead to the servers."""


class SecureRedis(RedisServer):
    """With an account."""

    def command(self) -> list[str]:
        return [*super().command(), "--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"]


class SecureKafka(KafkaServer):
    """SASL over TLS, with one account for each mechanism."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self.authority = authority
        self._certificate = authority.signed("kafka", f"IP:{HERE}")

    def client_options(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=self.authority.certificate),
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": USER,
            "sasl_plain_password": PASSWORD,
        }

    def properties(self) -> str:
        module = "org.apache.kafka.common.security"
        plain = f'{module}.plain.PlainLoginModule required username="{USER}" password="{PASSWORD}"'
        return f"""
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={self._certificate}
ssl.truststore.type=PEM
ssl.truststore.location={self.authority.certificate}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config={plain} user_{USER}="{PASSWORD}";
listener.name.client.scram-sha-256.sasl.jaas.config={module}.scram.ScramLoginModule required;
listener.name.client.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;
"""

    def format_options(self) -> list[str]:
        mechanisms = ("SCRAM-SHA-256", "SCRAM-SHA-512")
        return [word for name in mechanisms for word in ("--add-scram", f"{name}=[name={USER},password={PASSWORD}]")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    """Signed nothing here."""
    return Authority(folder, "stranger")


@pytest.fixture(scope="module")
def services(folder: Path, authority: Authority, postgres: URL) -> Iterator[dict[str, str]]:
    """The settings that lead to all three, but for the database's name."""
    socket = f"{postgres.query['host']}/.s.PGSQL.{postgres.query['port']}"
    with ExitStack() as stack:
        redis = stack.enter_context(SecureRedis(folder))
        kafka = stack.enter_context(SecureKafka(folder, authority))
        certificate = authority.signed("front", f"IP:{HERE}")
        before_postgres = stack.enter_context(
            TlsFront(certificate, lambda: asyncio.open_unix_connection(socket), postgresql=True)
        )
        before_redis = stack.enter_context(TlsFront(certificate, lambda: asyncio.open_connection(HERE, redis.port)))
        ca_file = str(authority.certificate)
        yield {
            "POSTGRES_HOST": HERE,
            "POSTGRES_PORT": str(before_postgres.port),
            "POSTGRES_USER": str(postgres.username),
            "POSTGRES_PASS_FILE": a_file(folder / "postgres_pass", str(postgres.password)),
            "POSTGRES_SSLMODE": "verify-full",
            "POSTGRES_SSL_CA_FILE": ca_file,
            "REDIS_HOST": HERE,
            "REDIS_PORT": str(before_redis.port),
            "REDIS_USER": USER,
            "REDIS_PASS_FILE": a_file(folder / "redis_pass", PASSWORD),
            "REDIS_TLS": "true",
            "REDIS_CA_FILE": ca_file,
            "KAFKA_HOST": HERE,
            "KAFKA_PORT": str(kafka.port),
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_USER": USER,
            "KAFKA_PASSWORD_FILE": a_file(folder / "kafka_password", PASSWORD),
            "KAFKA_CA_FILE": ca_file,
            "SECRET_KEY_FILE": a_file(folder / "secret_key", SECRET_KEY),
        }


def a_file(path: Path, content: str) -> str:
    path.write_text(f"{content}\n")
    return str(path)


@pytest.fixture
def secure(services: dict[str, str], database_url: URL) -> dict[str, str]:
    return {**services, "POSTGRES_DB": str(database_url.database)}


def settings(given: dict[str, str], **changed: str) -> Settings:
    return read_settings({**given, **changed}, env_file=Path("/nonexistent/.env"))


# PostgreSQL


async def answers(url: URL | None) -> bool:
    assert url is not None
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            return bool(await connection.scalar(text("SELECT 1")) == 1)
    finally:
        await engine.dispose()


@pytest.mark.parametrize("changed", [{}, {"POSTGRES_HOST": NOT_HERE, "POSTGRES_SSLMODE": "verify-ca"}])
async def test_postgresql_is_known_by_its_certificate(changed: dict[str, str], secure: dict[str, str]) -> None:
    assert await answers(settings(secure, **changed).postgres_url)


async def test_an_address_of_postgresql_may_say_how_to_know_it(
    secure: dict[str, str], authority: Authority, stranger: Authority
) -> None:
    bare = settings(secure, POSTGRES_SSLMODE="", POSTGRES_SSL_CA_FILE="").postgres_url
    assert bare is not None
    for url, trusted in (
        (bare.update_query_dict({"sslmode": "verify-full", "sslrootcert": str(authority.certificate)}), True),
        (bare.update_query_dict({"sslmode": "verify-full", "sslrootcert": str(stranger.certificate)}), False),
        (bare.update_query_dict({"sslmode": "require"}), True),
    ):
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        found = settings({"DATABASE_URL": address}).postgres_url
        if trusted:
            assert await answers(found)
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                await answers(found)


async def test_who_only_looks_like_postgresql_gets_no_password(secure: dict[str, str], stranger: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await answers(settings(secure, POSTGRES_SSL_CA_FILE=str(stranger.certificate)).postgres_url)
    with pytest.raises(ssl.SSLCertVerificationError, match=NOT_HERE):
        await answers(settings(secure, POSTGRES_HOST=NOT_HERE).postgres_url)
    with pytest.raises((OSError, DBAPIError)):  # whatever it is: there is no way in without TLS
        await answers(settings(secure, POSTGRES_SSLMODE="disable", POSTGRES_SSL_CA_FILE="").postgres_url)


# Redis


async def pings(url: str | None) -> bool:
    assert url is not None
    async with connect(url, patience=2) as redis:
        return bool(await redis.ping())


async def test_redis_is_known_by_its_certificate_and_asks_for_the_password(
    secure: dict[str, str], authority: Authority
) -> None:
    assert await pings(settings(secure).redis)
    address = f"rediss://{USER}:{PASSWORD}@{HERE}:{secure['REDIS_PORT']}/0"
    assert await pings(settings({"REDIS_URL": address, "REDIS_CA_FILE": str(authority.certificate)}).redis)


@pytest.mark.parametrize("wrong", ["authority", "host", "password", "no TLS"])
async def test_redis_is_not_talked_to_otherwise(wrong: str, secure: dict[str, str], stranger: Authority) -> None:
    changed = {
        "authority": {"REDIS_CA_FILE": str(stranger.certificate)},
        "host": {"REDIS_HOST": NOT_HERE},
        "password": {"REDIS_PASS_FILE": "", "REDIS_PASS": "guessed"},
        "no TLS": {"REDIS_TLS": "", "REDIS_CA_FILE": ""},
    }[wrong]
    with pytest.raises(RedisError):
        await pings(settings(secure, **changed).redis)


# Kafka


def cluster(given: dict[str, str], **changed: str) -> Cluster:
    found = settings(given, **changed).kafka
    assert found is not None
    return found


async def lets_in(cluster: Cluster) -> bool:
    producer = Producer(cluster)
    try:
        async with producer.use() as started:
            return bool(await started.partitions_for("payments"))
    finally:
        await producer.close()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_kafka_is_known_by_its_certificate_and_knows_us_by_name(mechanism: str, secure: dict[str, str]) -> None:
    assert await lets_in(cluster(secure, KAFKA_SASL_MECHANISM=mechanism))


@pytest.mark.parametrize("wrong", ["authority", "host", "password", "user", "no TLS"])
async def test_kafka_is_not_talked_to_otherwise(wrong: str, secure: dict[str, str], stranger: Authority) -> None:
    changed = {
        "authority": {"KAFKA_CA_FILE": str(stranger.certificate)},
        "host": {"KAFKA_HOST": NOT_HERE},
        "password": {"KAFKA_PASSWORD_FILE": "", "KAFKA_PASSWORD": "guessed"},
        "user": {"KAFKA_USER": "nobody"},
        "no TLS": {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_CA_FILE": ""},
    }[wrong]
    with pytest.raises(DependencyUnavailable):
        await lets_in(cluster(secure, **changed))


# All of it


@pytest.fixture
async def fleet(tmp_path: Path, secure: dict[str, str]) -> AsyncIterator[Fleet]:
    generous = {"RATE_LIMIT_ACCOUNTS_PER_MINUTE": "1000", "RATE_LIMIT_ORDERS_PER_MINUTE": "1000"}
    with Fleet(tmp_path, {**secure, **generous}, port=free_port()) as roles:
        roles.start()
        await asyncio.to_thread(roles.until_ready)
        yield roles


async def test_an_order_goes_its_way_and_poison_its_own_over_tls_alone(fleet: Fleet, secure: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        ann = await a_customer(http)
        order = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()
        path = f"/api/v1/orders/{order['id']}"
        # by the relay, Kafka, the consumer, Redis and the worker
        await until(lambda: reads(http, path, ann, processing_status="PROCESSED"))

    producer = AIOKafkaProducer(**cluster(secure).options)
    await producer.start()
    await producer.send_and_wait("payments", b"no JSON", key=b"1")
    await producer.stop()
    letters = DeadLetters(cluster(secure), topic="order_management_service.dead_letter", heard=["payments"])

    async def poison_is_kept() -> bool:
        return [letter.value for letter in await letters.newest(10)] == [b"no JSON"]

    await until(poison_is_kept)
    await letters.close()


async def test_a_process_that_does_not_trust_postgresql_is_not_ready(
    tmp_path: Path, secure: dict[str, str], stranger: Authority
) -> None:
    wrong = {**secure, "POSTGRES_SSL_CA_FILE": str(stranger.certificate), "PATH": os.environ["PATH"]}
    with Fleet(tmp_path, wrong, port=free_port()) as fleet:
        fleet.start("api")

        async def says_so() -> bool:
            return "CERTIFICATE_VERIFY_FAILED" in (tmp_path / "api.log").read_text()

        async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
            await until(lambda: is_unavailable(http))
        await until(says_so)


async def is_unavailable(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 503
    except httpx.TransportError:
        return False
