"""The command `order-service` as a person, a script and a shell meet it."""

import argparse
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from composition import cli
from composition.commands.command import tell_columns
from tests.composition.test_people import COMMAND, SECONDS, order_service
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


def test_a_database_that_is_away_is_1(postgres: URL) -> None:
    away = f"postgresql://ann:secret@127.0.0.1:{free_port()}/orders"
    for arguments in (["services"], ["relay", "status"], ["consistency"], ["migrate"]):
        ended = run(*arguments, DATABASE_URL=away)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("order-service: PostgreSQL at 127.0.0.1")
    ended = run("services", DATABASE_URL=postgres.set(database="nowhere").render_as_string(hide_password=False))
    assert (ended.returncode, "nowhere" in ended.stderr) == (2, True)


def test_a_database_without_a_schema_is_1(empty_database_url: URL) -> None:
    ended = order_service(empty_database_url, "services")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "run `order-service migrate`" in ended.stderr
    assert order_service(empty_database_url, "migrate").stdout == "The schema is at the newest revision.\n"
    assert order_service(empty_database_url, "services").stdout == "No other system is let in.\n"


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
    assert order_service(database_url, "relay", "status").stdout == "relay     0 events wait for Kafka\n"
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
