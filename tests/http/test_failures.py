"""When something breaks: the client learns that, and nothing of what is inside."""

import logging
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import URL
from sqlalchemy.exc import ProgrammingError

from adapters.embedded.rate_limiter import InProcessRateLimiter
from adapters.http.app import HttpEdge
from adapters.http.problems import PROBLEMS
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.transaction import SqlTransaction
from composition.settings import Settings
from order_service.domain.actor import Role
from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    PROBLEM_JSON,
    TOKEN,
    Document,
    Person,
    Shop,
    document,
    open_shop,
    order_body,
    order_path,
    problem,
)
from tests.services.server import free_port

SECRETS = ("db.internal", "SELECT", "hunter2", "Traceback", "RuntimeError", "ProgrammingError", ".py", "asyncpg")
NOBODY_FORESAW = {
    "a bug": RuntimeError("SELECT * FROM orders at db.internal with hunter2"),
    "a statement that the database refuses": ProgrammingError(
        "SELECT hunter2", {"host": "db.internal"}, Exception("asyncpg")
    ),
    "a recursion without end": RecursionError("db.internal"),
    "a lookup of what there is not": KeyError("db.internal"),
}
every_failure = pytest.mark.parametrize(
    "error", [pytest.param(error, id=what) for what, error in NOBODY_FORESAW.items()]
)


def tells_nothing(answer: httpx.Response, status: int = 500, code: str = "internal-error") -> bool:
    found = problem(answer, status, code)
    known = {"type", "title", "status", "detail", "instance", "request_id", "retry_after", "checks", "required"}
    assert found.keys() <= known
    return not any(secret in answer.text or secret in str(answer.headers) for secret in SECRETS)


def broken(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, error: Exception) -> None:
    async def breaks(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(owner, method, breaks)


@every_failure
async def test_what_nobody_foresaw_tells_nothing_of_the_inside(
    error: Exception, ann: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken(monkeypatch, SqlOrderViews, "list", error)

    answer = await ann.get(ORDERS, headers={"X-Request-Id": "find-me"})

    assert tells_nothing(answer)
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [getattr(record, "request_id", None) for record in logged] == ["find-me"]
    assert logged[0].exc_info
    assert logged[0].exc_info[1] is error


async def test_a_change_that_breaks_while_it_is_written_changes_nothing(
    ann: Person, operator: Person, order: Document, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await shop.rows()
    with monkeypatch.context() as patched:
        broken(patched, SqlTransaction, "commit", RuntimeError("hunter2"))
        assert tells_nothing(await ann.post(ORDERS, json=order_body(), headers={"Idempotency-Key": "k"}))
        assert tells_nothing(await operator.patch(order_path(order), json={"status": "PAID"}))

    assert await shop.rows() == before
    assert await ann.read(order) == order
    assert (await ann.post(ORDERS, json=order_body(), headers={"Idempotency-Key": "k"})).status_code == 201


async def test_what_stands_before_the_routes_may_break_too(
    ann: Person, anybody: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, InProcessRateLimiter, "take", RuntimeError("hunter2 at db.internal"))
    assert tells_nothing(await ann.get(ORDERS))
    assert tells_nothing(await anybody.post(TOKEN, data={"grant_type": "password"}))


# Without a database


@pytest.fixture(scope="module")
async def shop_without_database() -> AsyncIterator[Shop]:
    """Its database's port is closed, and stays so: the port is bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        url = URL.create("postgresql+asyncpg", "db_user", "hunter2", "127.0.0.1", port, "db_name")
        async with open_shop(url) as shop:
            yield shop


@pytest.fixture
async def lost(shop_without_database: Shop, ann: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Ann, in front of the shop without a database: her token still holds."""
    async with shop_without_database.client(headers={"Authorization": f"Bearer {ann.token}"}) as client:
        yield client


async def test_a_process_without_a_database_is_alive_but_not_ready(lost: httpx.AsyncClient) -> None:
    assert document(await lost.get("/livez")) == {"status": "ok"}

    answer = await lost.get("/readyz")

    assert tells_nothing(answer, 503, "dependency-unavailable")
    found = document(answer)
    assert found["checks"] == {"postgresql": "unavailable"}
    assert "postgresql" in found["detail"]
    assert not any(hint in answer.text for hint in ("127.0.0.1", "db_user", "db_name", "refused", "Errno"))


async def test_with_its_database_the_process_is_ready(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/readyz")
    assert (answer.status_code, document(answer)) == (
        200,
        {"status": "ok", "checks": {"postgresql": "ok"}, "required": ["postgresql"]},
    )
    assert document(await anybody.get("/livez")) == {"status": "ok"}


async def test_a_process_that_is_leaving_is_not_ready_and_ends_each_connection_with_its_answer(
    shop_database: URL,
) -> None:
    async with open_shop(shop_database) as shop, shop.client() as client:
        assert "connection" not in (await client.get("/readyz")).headers
        (await shop.container.get(HttpEdge)).leaving.begun = True
        refused, alive = await client.get("/readyz"), await client.get("/livez")
    assert tells_nothing(refused, 503, "dependency-unavailable")
    assert "stopping" in refused.json()["detail"]
    assert (refused.headers["connection"], alive.headers["connection"], alive.status_code) == ("close", "close", 200)


async def test_without_redis_and_kafka_the_process_does_less_and_says_so(shop_database: URL) -> None:
    away = f"127.0.0.1:{free_port()}"
    settings = Settings(redis_url=f"redis://:hunter2@{away}/0", kafka_bootstrap_servers=away)
    async with open_shop(shop_database, settings) as shop, shop.client() as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, document(answer)) == (
        200,
        {
            "status": "degraded",
            "checks": {"postgresql": "ok", "redis": "unavailable", "kafka": "unavailable"},
            "required": ["postgresql"],
        },
    )


async def test_without_a_database_every_route_asks_to_try_again(
    lost: httpx.AsyncClient, shop_without_database: Shop, order: Document, shop: Shop
) -> None:
    operator = await shop.person(Role.OPERATOR)
    staff = shop_without_database.client(headers={"Authorization": f"Bearer {operator.token}"})
    payment = {"payment_id": "pay-1", "amount": "1"}
    account = {"email": "new@example.com", "password": "correct horse battery"}
    form = {"grant_type": "password", "username": "ann@example.com", "password": "x"}
    for answer in (
        await lost.post(ORDERS, json=order_body(), headers={"Idempotency-Key": "k"}),
        await lost.get(ORDERS),
        await lost.get(order_path(order)),
        await lost.get(order_path(order, "events")),
        await lost.patch(order_path(order), json={"status": "CANCELED"}),
        await lost.post(order_path(order, "cancellation"), json={"reason": "OTHER"}),
        await staff.post(order_path(order, "payments"), json=payment),
        await staff.post(order_path(order, "shipments"), json={}),
        await staff.post(order_path(order, "shipments", "1", "delivery")),
        await staff.post(order_path(order, "processing")),
        await lost.get(ME),
        await lost.post(ACCOUNTS, json=account),
        await lost.post(TOKEN, data=form),
    ):
        assert tells_nothing(answer, 503, "dependency-unavailable")
        assert answer.headers["retry-after"] == "1"
        assert not any(hint in answer.text for hint in ("127.0.0.1", "db_user", "db_name", "refused", "Errno"))


async def test_without_a_database_what_is_wrong_is_still_called_wrong(lost: httpx.AsyncClient) -> None:
    problem(await lost.post(ORDERS, json={}), 422, "invalid-request")
    problem(await lost.get(f"{ORDERS}?limit=0"), 400, "malformed-request")
    assert (await lost.get("/openapi.json")).status_code == 200


async def test_every_kind_of_problem_has_a_page(anybody: httpx.AsyncClient, ann: Person) -> None:
    found = problem(await ann.get(f"{ORDERS}/1"), 404)
    page = await anybody.get(found["type"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert found["title"] in page.text
    every = await anybody.get("/problems")
    assert [code for code in PROBLEMS if f'href="/problems/{code}"' not in every.text] == []
    assert "`" not in "".join([(await anybody.get(f"/problems/{code}")).text for code in PROBLEMS])
    missing = await anybody.get("/problems/<script>")
    assert missing.headers["content-type"] == PROBLEM_JSON
    problem(missing, 404, "not-found")
