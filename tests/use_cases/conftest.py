import socket

import pytest

from order_service.domain.actor import Actor
from tests.builders import an_operator
from tests.use_cases.shop import Shop


@pytest.fixture(autouse=True)
def _without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The use cases are tested without I/O: whoever connects anywhere fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("A test of the use cases opened a connection.")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def ann(shop: Shop) -> Actor:
    return await shop.customer("ann@example.com")


@pytest.fixture
async def bob(shop: Shop) -> Actor:
    return await shop.customer("bob@example.com")


@pytest.fixture
def operator() -> Actor:
    return an_operator()
