"""The command `order-service` as a person, a script and a shell meet it."""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.embedded.postgres import EmbeddedPostgres
from composition import cli
from composition.commands.command import tell_columns
from tests.composition.test_people import COMMAND, SECONDS, order_service
from tests.conftest import execute
from tests.services.server import free_port


def commands_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:  # argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from commands_of(command)


COMMANDS = [command for command in commands_of(cli._parser()) if command.get_default("run")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.prog.removeprefix("order-service "))
def test_every_command_says_what_it_does_and_how_it_ends(command: argparse.ArgumentParser) -> None:
    told = command.format_help()
    assert len((command.description or "").split("\n\n")) >= 2, "a summary, and what it prints"
    assert "Exit codes: 0 " in told
    assert all(action.help for action in command._actions if action.option_strings or action.metavar)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("order-service 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["seed-orders", "0"],
        ["dead-letters", "redrive", "7"],
        ["dead-letters", "list", "--limit", "x"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "given", "complaint"),
    [
        (["migrate"], {"REDIS_HOST": "cache"}, "Set POSTGRES_HOST or DATABASE_URL"),
        (["migrate"], {"KAFKA_HOST": "kafka", "REDIS_HOST": "cache"}, "Set POSTGRES_HOST or DATABASE_URL"),
        (["queue", "status"], {}, "Set REDIS_HOST or REDIS_URL"),
        (["dead-letters", "list"], {}, "Set KAFKA_HOST or KAFKA_BOOTSTRAP_SERVERS"),
        (["services"], {"APP_PORT": "eighty"}, "APP_PORT"),
    ],
    ids=str,
)
def test_wrong_settings_are_2_and_nothing_is_made(
    arguments: list[str], given: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    ended = run(*arguments, **given, VAR_DIR=str(tmp_path / "var"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert complaint in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "var").exists()


def test_a_database_that_is_away_is_1() -> None:
    away = f"postgresql://ann:secret@127.0.0.1:{free_port()}/orders"
    for arguments in (["services"], ["relay", "status"], ["consistency"], ["migrate"]):
        ended = run(*arguments, DATABASE_URL=away)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("order-service: PostgreSQL at 127.0.0.1")
    unknown = run("migrate", DATABASE_URL="postgresql://ann:secret@nowhere.invalid/orders")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("order-service: PostgreSQL: the host nowhere.invalid is not known.")


def test_a_database_that_does_not_exist_is_to_be_created(postgres: URL) -> None:
    ended = run("migrate", DATABASE_URL=in_full(postgres.set(database="nowhere")))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Create it (`createdb nowhere`)" in ended.stderr
    assert "sqlalche" not in ended.stderr.lower()


@pytest.mark.parametrize(
    "arguments",
    [["services"], ["orders", "show", "K7Q2-9XWD-3F4M"], ["orders", "show", str(UUID(int=7))], ["relay", "rebase"]],
    ids=" ".join,
)
def test_a_database_without_a_schema_is_1(arguments: list[str], empty_database_url: URL) -> None:
    ended = order_service(empty_database_url, *arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "order-service: The database has not the newest schema: run `order-service migrate`.\n"


def test_a_table_that_a_statement_of_the_driver_itself_misses_is_1(database_url: URL) -> None:
    asyncio.run(execute(database_url, "ALTER TABLE orders RENAME COLUMN body TO text"))
    ended = order_service(database_url, "orders", "show", str(UUID(int=7)))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "run `order-service migrate`" in ended.stderr


def test_a_schema_is_brought_up(empty_database_url: URL) -> None:
    assert order_service(empty_database_url, "migrate").stdout == "The schema is at the newest revision.\n"
    assert order_service(empty_database_url, "services").stdout == "No other system is let in.\n"


@pytest.mark.parametrize(
    ("arguments", "given", "where", "settings"),
    [
        ("queue status", "REDIS_URL=redis://ann:secret@127.0.0.1:1/0", "Redis at 127.0.0.1:1/0", "REDIS_URL"),
        (
            f"queue retry {UUID(int=7)}",
            "REDIS_HOST=127.0.0.1 REDIS_PORT=1 REDIS_PASS=secret",
            "Redis at 127.0.0.1:1/0",
            "REDIS_HOST and the settings beside it",
        ),
        (
            "dead-letters list",
            "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1,127.0.0.1:2",
            "Kafka at 127.0.0.1:1,127.0.0.1:2",
            "KAFKA_BOOTSTRAP_SERVERS and the settings beside it",
        ),
        (
            "relay status",
            "KAFKA_HOST=127.0.0.1 KAFKA_PORT=1",
            "Kafka at 127.0.0.1:1",
            "KAFKA_HOST and the settings beside it",
        ),
    ],
)
def test_a_server_that_is_away_is_named_in_one_line(
    arguments: str, given: str, where: str, settings: str, database_url: URL
) -> None:
    environment = dict(one.split("=", 1) for one in given.split())
    ended = run(*arguments.split(), **environment, DATABASE_URL=in_full(database_url))
    assert ended.returncode == 1
    assert ended.stderr == f"order-service: {where} does not answer. Is it running? Check {settings}.\n"


def test_ctrl_c_ends_it_with_130_and_without_a_word(database_url: URL) -> None:
    with started("erase-account", "ann@example.com", DATABASE_URL=in_full(database_url)) as waiting:
        assert waiting.stderr is not None
        asked = "".join(iter(partial(waiting.stderr.read, 1), ":"))  # and waits for an answer now
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=SECONDS)
    assert "type the address" in asked
    assert (waiting.returncode, out, err.strip()) == (130, "", "")


def test_ctrl_c_before_it_has_begun_ends_it_without_a_word() -> None:
    with started("settings") as loading:
        while "msgspec" not in Path(f"/proc/{loading.pid}/maps").read_text():  # so its first line was run
            assert loading.poll() is None
        loading.send_signal(signal.SIGINT)
        out, err = loading.communicate(timeout=SECONDS)
    assert (loading.returncode, out, err) == (-signal.SIGINT, "", "")  # of which a shell makes 130


def test_a_pipe_that_nobody_reads_ends_it_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [str(COMMAND), "settings"],
        env={"PATH": os.environ["PATH"]},
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("end", "code", "complaint"),
    [(">&-", 0, ""), (">/dev/full", 1, "order-service: No space left on device.\n")],
    ids=["closed", "full"],
)
def test_an_output_that_takes_nothing_is_no_crash(end: str, code: int, complaint: str) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f'"$0" settings {end}', str(COMMAND)],
        env={"PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (code, complaint)


def test_a_backup_of_nothing_leaves_no_file(tmp_path: Path) -> None:
    for _ in range(2):
        ended = run("backup", str(tmp_path / "orders.dump"), VAR_DIR=str(tmp_path / "var"))
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "There is no database in" in ended.stderr
        assert not (tmp_path / "orders.dump").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["orders", "show", "K7Q2-9XWD-3F4M"],
        ["relay", "status"],
        ["relay", "rebase"],
        ["consistency"],
        ["services"],
        ["export-account", "ann@example.com"],
        ["erase-account", "ann@example.com", "--yes"],
        ["set-role", "ann@example.com", "admin"],
    ],
    ids=" ".join,
)
def test_nothing_is_looked_for_in_a_database_that_would_have_to_be_made_first(
    arguments: list[str], tmp_path: Path
) -> None:
    ended = run(*arguments, VAR_DIR=str(tmp_path / "var"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"order-service: There is no database in {tmp_path}/var/postgres. VAR_DIR says")
    assert not (tmp_path / "var").exists()


def test_what_is_no_backup_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    for name, content in (("README.md", b"# Orders\n"), ("cut.dump", b"PGDMP\1\20")):
        (tmp_path / name).write_bytes(content)
        ended = run("restore", str(tmp_path / name), VAR_DIR=str(tmp_path / "var"))
        assert (ended.returncode, ended.stdout) == (2, "")
        complaint = f"order-service: {tmp_path}/{name} is no backup made by `order-service backup`.\n"
        assert ended.stderr == complaint
    assert not (tmp_path / "var").exists()


def test_a_command_beside_a_running_service_says_what_to_stop(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres"):
        ended = run("orders", "show", "K7Q2-9XWD-3F4M", VAR_DIR=str(tmp_path))
        up = run("up", VAR_DIR=str(tmp_path), APP_PORT=str(free_port()))
    EmbeddedPostgres(tmp_path / "postgres").remove()
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"order-service: The database in {tmp_path}/postgres (VAR_DIR) is in use by process {os.getpid()}. "
        "Stop `order-service up` first, or look at its /ops pages.\n"
    )
    assert (up.returncode, "or give this one a folder of its own" in up.stderr) == (1, True)


async def test_an_order_is_shown_by_its_number_or_its_id(database_url: URL, engine: AsyncEngine) -> None:
    seeded = order_service(database_url, "seed-orders", "30", "--json")
    assert (seeded.returncode, json.loads(seeded.stdout)["orders"], seeded.stderr) == (0, 30, "")
    async with engine.connect() as connection:
        query = text(
            "SELECT number, id::text, body::jsonb -> 'payments' -> 0 ->> 'payment_id' FROM orders"
            " WHERE jsonb_array_length(body::jsonb -> 'payments') > 0"
        )
        number, order_id, payment = (await connection.execute(query)).first() or ("", "", "")
    shown = order_service(database_url, "orders", "show", number.lower().replace("-", ""))
    assert shown.returncode == 0, shown.stderr
    for part in (f"Order {number}: ", order_id, payment, "\nLines\n", "\nPayments\n", "\nHistory\n", "order.placed"):
        assert part in shown.stdout
    assert re.search(
        r"Order \S+: [A-Z]+ \(screening [A-Z]+, payment \w+, fulfillment [A-Z]+, returns [A-Z]+\)", shown.stdout
    )
    told = json.loads(order_service(database_url, "orders", "show", order_id, "--json").stdout)
    assert told["order"]["number"] == number
    assert [event["seq"] for event in told["history"]] == list(range(1, told["order"]["version"] + 1))
    nobody_s = order_service(database_url, "orders", "show", "K7Q2-9XWD-3F4M")
    assert (nobody_s.returncode, nobody_s.stdout) == (1, "")


def test_what_a_customer_wrote_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    tell_columns([["name"], ["Mug\x1b[2J\r\nPAID"]])
    assert (
        capsys.readouterr().out
        == "name\nMug\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}PAID\n"
    )


async def test_the_lag_is_told_to_people_and_to_scripts(database_url: URL) -> None:
    told = order_service(database_url, "relay", "status", "--json")
    assert json.loads(told.stdout) == {"relay": {"events": 0, "oldest": None}, "consumer": {}}
    assert order_service(database_url, "relay", "status").stdout == (
        "relay     0 events wait to be told within the service (KAFKA_HOST is not set, so there is no Kafka)\n"
    )
    rebased = json.loads(order_service(database_url, "relay", "rebase", "--json").stdout)
    assert rebased == {"rebased": False, "relay": {"events": 0, "oldest": None}}


async def test_the_last_administrator_stays_unless_it_is_said_twice(database_url: URL) -> None:
    for name in ("ann", "bob"):
        made = order_service(
            database_url, "create-admin", f"{name}@example.com", "--json", typed="correct horse battery\n"
        )
        assert json.loads(made.stdout).keys() == {"id", "email", "role"}
    assert order_service(database_url, "set-role", "bob@example.com", "customer").returncode == 0
    refused = order_service(database_url, "set-role", "ann@example.com", "operator")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "last administrator" in refused.stderr
    insisted = order_service(database_url, "set-role", "ann@example.com", "operator", "--even-the-last", "--json")
    assert json.loads(insisted.stdout)["role"] == "operator"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def started(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    given = {"PATH": os.environ["PATH"], **environment}
    return subprocess.Popen([str(COMMAND), *arguments], env=given, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def in_full(url: URL) -> str:
    return make_url(url).render_as_string(hide_password=False)
