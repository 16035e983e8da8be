"""A PostgreSQL for the tests that ask for one: started once, and each test gets a fresh, migrated database on it.

With TEST_POSTGRES_URL (`postgresql+asyncpg://...`, an account that may create databases) it is that one instead.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.embedded.postgres import EmbeddedPostgres
from adapters.persistence.engine import create_engine
from tests.log_scan import pytest_configure, pytest_sessionfinish, pytest_terminal_summary
from tests.services import KafkaServer, RedisServer

__all__ = ["pytest_configure", "pytest_sessionfinish", "pytest_terminal_summary"]

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
PARALLEL = 20
"""How many may work on the database at once in a test of races."""

_names = (f"test_{uuid4().hex[:8]}_{number}" for number in count())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, help="rounds of the race (tests/fleet), steps of the state machines")


def alembic_config(url: URL) -> Config:
    config = Config(toml_file=PYPROJECT)
    config.attributes["url"] = url
    return config


async def execute(server: URL, statement: str) -> None:
    """Runs what PostgreSQL will not run in a transaction, such as CREATE DATABASE."""
    engine = create_engine(server, pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield make_url(url)
        return
    embedded = EmbeddedPostgres(tmp_path_factory.mktemp("server") / "postgres")
    embedded.start()
    to = embedded.connection
    yield URL.create(
        "postgresql+asyncpg",
        to.user,
        to.password,
        database=to.database,
        query={"host": to.host, "port": str(to.port)},
    )
    embedded.remove()


@pytest.fixture(scope="session")
def template(postgres: URL) -> Iterator[URL]:
    """A migrated database that nobody connects to."""
    url = postgres.set(database=next(_names))

    def make() -> None:  # env.py runs a loop of its own, so it needs a thread of its own
        asyncio.run(execute(postgres, f"CREATE DATABASE {url.database}"))
        command.upgrade(alembic_config(url), "head")

    with ThreadPoolExecutor(1) as thread:
        thread.submit(make).result()
        yield url
        thread.submit(lambda: asyncio.run(execute(postgres, f"DROP DATABASE {url.database}"))).result()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """TEST_REDIS_URL, else a Redis of our own. Nobody may kill it: a test that wants to starts another."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="session")
def kafka_bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """TEST_KAFKA_BOOTSTRAP_SERVERS, else a Kafka of our own. Nobody may kill it either."""
    if servers := os.environ.get("TEST_KAFKA_BOOTSTRAP_SERVERS"):
        yield servers
        return
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server.bootstrap_servers


@pytest.fixture
async def empty_database_url(postgres: URL) -> AsyncIterator[URL]:
    """Without any table."""
    url = postgres.set(database=next(_names))
    await execute(postgres, f"CREATE DATABASE {url.database}")
    yield url
    await execute(postgres, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres: URL, template: URL) -> AsyncIterator[URL]:
    """Migrated, without any row."""
    url = postgres.set(database=next(_names))
    await execute(postgres, f"CREATE DATABASE {url.database} TEMPLATE {template.database}")
    yield url
    await execute(postgres, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture
async def engine(database_url: URL) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, pool_size=PARALLEL + 4)
    yield engine
    await engine.dispose()
