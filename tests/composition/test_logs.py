"""What processes write about themselves: a JSON object a line, with nothing personal or secret in it."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from composition.logs import JsonLines, TextLines, harmless, job_in_log, message_in_log
from tests.fleet.people import SECRET_KEY
from tests.fleet.roles import Fleet
from tests.fleet.waiting import until
from tests.services.server import free_port

HARMFUL = {
    "an e-mail address": "no account of ann.o'neil+shop@mail.example.com here",
    "one in an address": "GET /api/v1/accounts?email=ann%40mail.example.com&limit=1",
    "what asyncpg says of a row": (
        "duplicate key value violates unique constraint\nDETAIL:  Key (email)=(ann\nand bob) already exists."
    ),
    "what asyncpg says of a parameter": "invalid input for query argument $2: 'ann and bob' (expected int)",
    "what PostgreSQL says of a value": 'invalid input syntax for type uuid: "ann and bob"',
    "an address of a service": "no way to postgresql+asyncpg://ann:hunter2/@db:5432/orders",
    "an address without a name": "Error 111 connecting to redis://:hunter2@cache:6379/0",
    "a passphrase in a body": '{"current_password": "correct \\"ann and bob", "email": null}',
    "a passphrase in an object, cut short": "LogInCommand(password='hunter2 and bob",
    "the secret of a service in a header": "Authorization: Basic YWJjOmFubiBhbmQgYm9i",
    "a header": "Authorization: Bearer AAECAwQFBgcICQoLDA0ODw",
    "a token": "not a token: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "a password in a body": '{"username": "x", "password": "hunter2 and more"}',
    "a password in an object": "LogInCommand(password='hunter2')",
    "a password in a form": "grant_type=password&username=x&password=hunter2",
}
HARM = ("ann", "bob", "hunter2", "AAECAwQF", "eyJ", "YWJj")
HARMLESS = (
    "message payments/0@15 failed",
    "relay lag: 12 events, the oldest of 3.0 s ago",
    "Kafka refuses an event of 9000000 bytes, of order 0197c2d4-0000-7000-8000-000000000000",
    "Set POSTGRES_HOST or DATABASE_URL; without it only `order-service up`, all in one process, can run.",
)


def a_record(message: str, *arguments: object, error: Exception | None = None, **known: str) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, None)
    record = logging.LogRecord("adapters.x", logging.WARNING, __file__, 1, message, arguments, exc_info)
    record.__dict__ |= known
    return record


@pytest.mark.parametrize("what", HARMFUL)
@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_what_is_personal_or_secret_is_left_out(what: str, formatter: logging.Formatter) -> None:
    for record in (a_record("%s", HARMFUL[what]), a_record("failed", error=RuntimeError(HARMFUL[what]))):
        assert not any(harm in formatter.format(record) for harm in HARM)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_is_left_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_a_long_text_is_cut_to_its_beginning_and_end() -> None:
    for formatter in (JsonLines(), TextLines()):
        written = formatter.format(a_record("%s", f"first{'.' * 1_000_000}last"))
        assert "first." in written
        assert ".last" in written
        assert len(written) < 20_000


def test_a_line_is_an_object_with_what_is_known() -> None:
    record = a_record("it %s", "broke", error=KeyError("x"), request_id="r-1", order_id="o-1")
    line = json.loads(JsonLines().format(record))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "adapters.x",
        "message": "it broke",
        "request_id": "r-1",
        "order_id": "o-1",
        "error": "KeyError: 'x'",
    }


@pytest.mark.parametrize("text", ['a\r\n{"level": "info"}', "a\u2028b", "\ud800", "\x1b[2J", "\x00"])
def test_nobody_can_forge_a_line(text: str) -> None:
    written = JsonLines().format(a_record("%s", text, request_id=text))
    assert len(written.splitlines()) == 1
    assert json.loads(written)["message"] == text
    assert written.isascii()


async def test_what_is_written_while_an_order_is_worked_on_names_it() -> None:
    order_id = UUID("0197c2d4-0000-7000-8000-000000000000")

    def told() -> object:
        return json.loads(JsonLines().format(a_record("slow"))).get("order_id")

    with job_in_log(order_id):
        assert told() == str(order_id)
        assert await asyncio.create_task(asyncio.to_thread(told)) == str(order_id)
    for key, name in ((str(order_id).encode(), str(order_id)), (b"\xff", None), (None, None)):
        with message_in_log(SimpleNamespace(key=key)):
            assert told() == name
    assert told() is None


# Processes


def lines_of(log: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


@pytest.fixture
def lonely(tmp_path: Path) -> Fleet:
    """Every service it needs is away."""
    away = f"127.0.0.1:{free_port()}"
    environment = {
        "DATABASE_URL": f"postgresql://ann:hunter2@{away}/orders",
        "REDIS_URL": f"redis://:hunter2@{away}/0",
        "KAFKA_BOOTSTRAP_SERVERS": away,
        "SECRET_KEY": SECRET_KEY,
    }
    return Fleet(tmp_path, environment, port=free_port(), api_workers=2)


async def test_every_process_writes_json_whatever_happens(lonely: Fleet, tmp_path: Path) -> None:
    logs = {role: tmp_path / f"{role}.log" for role in lonely.roles}

    async def have_complained() -> bool:
        return all(any(line["level"] != "info" for line in lines_of(log.read_bytes())) for log in logs.values())

    with lonely:
        lonely.start()
        await until(lambda: is_alive(lonely))
        with ThreadPoolExecutor(20) as many:
            asked = [f"request-{number}" for number in range(20)]
            for status in many.map(lambda name: readiness(lonely, name), asked):
                assert status == 503
        await until(have_complained)
    for log in logs.values():
        assert b"hunter2" not in log.read_bytes()
        assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines_of(log.read_bytes()))
    api = lines_of(logs["api"].read_bytes())
    told = [line["request_id"] for line in api if "postgresql is not ready" in line["message"]]
    assert sorted(told) == sorted(asked)


async def is_alive(fleet: Fleet) -> bool:
    try:
        async with httpx.AsyncClient(base_url=fleet.address) as http:
            return (await http.get("/livez")).is_success
    except httpx.TransportError:
        return False


def readiness(fleet: Fleet, request_id: str) -> int:
    return httpx.get(f"{fleet.address}/readyz", headers={"X-Request-Id": request_id}, timeout=10).status_code


@pytest.mark.parametrize("role", ["api", "relay", "consumer", "worker", "scheduler"])
def test_a_wrong_setting_ends_a_process_with_one_line_that_names_it(role: str, tmp_path: Path) -> None:
    weak = "SUPER_SECRET_KEY"
    services = {"POSTGRES_HOST": "db", "REDIS_HOST": "cache", "KAFKA_HOST": "kafka"}
    ended = subprocess.run(
        [sys.executable, "-m", f"composition.{role}"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **services, "SECRET_KEY": weak},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, b"")
    (line,) = lines_of(ended.stderr)
    assert line["level"] == "critical"
    assert line["message"].startswith("SECRET_KEY has less than 32 characters. Make one with")
    assert weak not in line["message"]


def test_what_nobody_catches_and_what_python_warns_of_are_lines_too() -> None:
    code = """
import threading, warnings
from composition.logs import tell_in_log
class Unraisable:
    def __del__(self):
        raise RuntimeError("1")
tell_in_log("json")
warnings.warn("2")
threading.Thread(target=lambda: 1 / 0).start()
Unraisable()
raise RuntimeError("3\\n4")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False, env={"PATH": os.environ["PATH"]}
    )
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert sorted(line["message"] for line in lines_of(ended.stderr) if line["logger"] == "uncaught") == [
        "RuntimeError",
        "RuntimeError",
        "ZeroDivisionError",
    ]
    assert len(lines_of(ended.stderr)) == 4
