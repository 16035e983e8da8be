"""The Redis of the job queue."""

from collections.abc import Iterator

import pytest
from dramatiq.brokers.redis import RedisBroker

from adapters.worker.queue import make_broker
from tests.services import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def broker(server: RedisServer) -> Iterator[RedisBroker]:
    """Upon an empty Redis."""
    made = make_broker(server.url)
    made.client.flushall()
    yield made
    made.client.close()
