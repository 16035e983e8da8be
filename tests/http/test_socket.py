"""Over a real socket, for what only a socket shows."""

import asyncio
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import URL

from tests.http.served import PATIENCE_SECONDS, Served, a_free_port, connected, until_it_answers
from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    PROBLEM_JSON,
    SECRET_KEY,
    TOKEN,
    Document,
    Person,
    document,
    is_careful,
    order_body,
    order_path,
    problem,
)
from tests.log_scan import SCAN

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024 * 1024
JSON = b"Content-Type: application/json"


def head(method: str, path: str, person: Person | None = None, *headers: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: shop.test"]
    if person is not None:
        lines.append(f"Authorization: Bearer {person.token}".encode())
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n"


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    """Like `problem`, for an answer that was read by hand."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert is_careful(answer), answer.headers
    found = json.loads(answer.content)
    return bool(
        found["type"] == f"/problems/{code}"
        and found["status"] == status
        and found["request_id"] == answer.headers["x-request-id"]
    )


async def test_who_registers_can_log_in_and_order(served: Served) -> None:
    account = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    form = {"grant_type": "password", "username": account["email"], "password": account["password"]}
    async with httpx.AsyncClient(base_url=served.url) as client:
        assert (await client.post(ACCOUNTS, json=account)).status_code == 201
        token = document(await client.post(TOKEN, data=form))["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        placed = await client.post(ORDERS, json=order_body())
        assert placed.status_code == 201
        assert (await client.get(placed.headers["location"])).content == placed.content
        assert document(await client.get(ME))["email"] == account["email"]


async def test_an_order_in_chunks_is_an_order(dave: Person) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in json.dumps(order_body()).encode():
            yield bytes([byte])

    answer = await dave.post(ORDERS, content=chunks(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


async def test_a_body_of_1_mib_in_chunks_is_read(dave: Person) -> None:
    body = json.dumps(order_body()).encode().ljust(MEBIBYTE)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, MEBIBYTE, 65_536):
            yield body[start : start + 65_536]

    answer = await dave.post(ORDERS, content=chunks(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("sent", ["chunked", "with a length"])
async def test_a_body_over_1_mib_is_refused_while_it_is_sent(sent: str, served: Served, dave: Person) -> None:
    before = await served.shop.rows()
    length = b"Transfer-Encoding: chunked" if sent == "chunked" else b"Content-Length: %d" % (MEBIBYTE + 1)
    async with served.connection() as connection:
        await connection.send(head("POST", ORDERS, dave, JSON, length))
        if sent == "chunked":
            for _ in range(17):
                await connection.send(b"10000\r\n", b" " * 65_536, b"\r\n")
        assert is_problem(await connection.answer(), 413, "payload-too-large")

    assert await served.shop.rows() == before
    assert (await dave.get(ORDERS)).status_code == 200


@pytest.mark.parametrize("sent", ["chunked", "with a length"])
async def test_a_client_that_hangs_up_while_sending_changes_nothing(
    sent: str, served: Served, dave: Person, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(order_body()).encode()
    before = await served.shop.rows()

    if sent == "chunked":
        chunk = b"%x\r\n%b\r\n" % (len(body), body)
        await served.hung_up_on(head("POST", ORDERS, dave, JSON, b"Transfer-Encoding: chunked"), chunk)
    else:
        await served.hung_up_on(head("POST", ORDERS, dave, JSON, b"Content-Length: %d" % (len(body) + 1)), body)

    assert await served.shop.rows() == before
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert (await dave.get(ORDERS)).status_code == 200


async def test_a_client_that_hangs_up_before_the_answer_can_ask_again(served: Served, dave: Person) -> None:
    body = json.dumps(order_body(external_ref="hung up")).encode()
    length = b"Content-Length: %d" % len(body)

    await served.hung_up_on(head("POST", ORDERS, dave, JSON, length, b"Idempotency-Key: k"), body)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    again = await dave.post(ORDERS, content=body, headers=headers)

    assert again.status_code == 201
    assert len(document(await dave.get(ORDERS))["items"]) == 1


@pytest.mark.parametrize(
    "header",
    [
        b"X-Request-Id: \xff\xfe",
        b"X-Request-Id: " + b"a" * 129,
        b"X-Unknown: \x80\x81",
        b"Idempotency-Key: \xff",
        b"If-None-Match: \xff\xfe",
        b"Cookie: \xff=\xfe",
        b"Accept: \xff",
        b"Origin: http://\xff",
        b"X-Forwarded-For: \xff",
    ],
    ids=lambda header: repr(header)[:32],
)
async def test_bytes_that_are_no_text_in_a_header_do_no_harm(header: bytes, served: Served, dave: Person) -> None:
    async with served.connection() as connection:
        await connection.send(head("GET", ORDERS, dave, header))
        answer = await connection.answer()
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"].encode() not in header


async def test_bytes_that_are_no_text_in_a_header_that_matters_are_refused(served: Served, dave: Person) -> None:
    order = await dave.place()
    body = json.dumps(order_body()).encode()
    length = b"Content-Length: %d" % len(body)
    before = await served.shop.rows()
    for request, status, code in (
        (head("GET", ORDERS, None, b"Authorization: Bearer \xff\xfe"), 401, "not-authenticated"),
        (head("GET", order_path(order), dave, b"If-None-Match: \xff"), 400, "malformed-request"),
        (head("POST", ORDERS, dave, JSON, length, b"Idempotency-Key: \xff") + body, 400, "malformed-request"),
        (head("POST", ORDERS, dave, b"Content-Type: \xff", length) + body, 415, "unsupported-media-type"),
    ):
        async with served.connection() as connection:
            await connection.send(request)
            assert is_problem(await connection.answer(), status, code)
    assert await served.shop.rows() == before


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/%ff", "not-found"),
        ("/api/v1/orders/%ff", "order-not-found"),
        ("/api/v1/orders/%00", "order-not-found"),
        ("/api/v1/orders/%0d%0aX:%20y", "order-not-found"),
        ("/api/v1/%c0%ae", "not-found"),
        ("/%", "not-found"),
    ],
)
async def test_an_address_that_is_no_text_is_not_found(path: str, code: str, served: Served, dave: Person) -> None:
    async with served.connection() as connection:
        await connection.send(head("GET", path, dave))
        assert is_problem(await connection.answer(), 404, code)


NO_HTTP = {
    "garbage": b"GARBAGE\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\n\r\n",
    "a raw byte in the address": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n",
    "a length of -1": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "an endless length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
}


@pytest.mark.parametrize("sent", [pytest.param(sent, id=what) for what, sent in NO_HTTP.items()])
async def test_what_is_no_http_is_refused_and_the_service_goes_on(sent: bytes, served: Served, dave: Person) -> None:
    async with served.connection() as connection:
        await connection.send(sent)
        with suppress(OSError):  # it may have been refused and closed already
            connection.writer.write_eof()
        answer = await asyncio.wait_for(connection.reader.read(), PATIENCE_SECONDS)
    assert not answer or answer.split()[1].startswith(b"4"), answer
    assert (await dave.get(ORDERS)).status_code == 200


async def test_answers_without_a_body_leave_the_connection_usable(served: Served, dave: Person) -> None:
    order = await dave.place()
    async with served.connection() as connection:
        await connection.send(head("GET", order_path(order), dave, b'If-None-Match: "1"'))
        known = await connection.answer()
        assert (known.status_code, known.headers["etag"]) == (304, '"1"')

        await connection.send(head("OPTIONS", order_path(order), dave))
        assert (await connection.answer()).status_code == 204

        await connection.send(head("GET", order_path(order), dave))
        answer = await connection.answer()
        assert (answer.status_code, json.loads(answer.content)) == (200, order)


async def test_a_problem_is_the_same_over_the_socket(dave: Person) -> None:
    found: Document = problem(await dave.get(f"{ORDERS}/1", headers={"X-Request-Id": "over-the-wire"}), 404)
    assert found["request_id"] == "over-the-wire"


async def test_200_clients_at_once_are_all_answered(served: Served, dave: Person) -> None:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
    headers = {**dave.client.headers, "Idempotency-Key": "k"}
    async with httpx.AsyncClient(
        base_url=served.url, headers=headers, limits=limits, timeout=PATIENCE_SECONDS
    ) as many:
        answers = await asyncio.gather(*[many.post(ORDERS, json=order_body()) for _ in range(200)])
    assert Counter(answer.status_code for answer in answers) == {201: 200}
    assert len({answer.content for answer in answers}) == 1


@pytest.fixture
async def process_port(database_url: URL, tmp_path: Path) -> AsyncIterator[int]:
    """Where `order-service up` listens: a process of its own, as it is started in earnest."""
    port = a_free_port()
    environment = {
        **os.environ,
        "APP_PORT": str(port),
        "DATABASE_URL": database_url.render_as_string(hide_password=False),
        "SECRET_KEY": SECRET_KEY,
    }
    with SCAN.watch(tmp_path / "up.log", json=False).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "composition.cli", "up"),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    # A process that begins shares the machine with whatever else does.
    assert await asyncio.wait_for(process.stdout.readline(), 6 * PATIENCE_SECONDS) == b"The order service runs.\n"
    await asyncio.wait_for(until_it_answers(port), PATIENCE_SECONDS)
    yield port
    process.terminate()
    await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)


async def test_many_idle_clients_do_not_lock_the_others_out(process_port: int) -> None:
    async with AsyncExitStack() as stack:
        for number in range(200):
            connection = await stack.enter_async_context(connected(process_port))
            await connection.send(head("GET", "/livez"))
            answer = await asyncio.wait_for(connection.answer(), 3)
            assert answer.status_code == 200, number
