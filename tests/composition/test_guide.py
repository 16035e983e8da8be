"""The guide tells the truth: its commands, run as they are printed, give the answers that are printed beside them."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.embedded.postgres import EmbeddedPostgres
from adapters.kafka.messages import PAYMENTS, PaymentCaptured, decoded
from tests.composition.test_up import running

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
PRINTED_ADDRESS = "http://127.0.0.1:8010"
ELLIPSIS = "…"
MARK = "=== end of block ==="

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"(?m)^(?=HTTP/1\.1 \d{3})")


def blocks(kind: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(GUIDE.read_text()) if found == kind]


def commands_and_answers() -> list[tuple[str, str]]:
    """Each block of commands with the block of answers right behind it, or an empty text."""
    found: list[tuple[str, str]] = []
    for kind, text in _BLOCK.findall(GUIDE.read_text()):
        if kind == "sh":
            found.append((text, ""))
        elif kind == "http":
            found[-1] = (found[-1][0], text)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    EmbeddedPostgres(tmp_path / "var" / "guide" / "postgres").remove()


def test_every_command_gives_the_answer_that_is_printed_beside_it(folder: Path) -> None:
    [start] = blocks("")
    settings = dict(word.split("=") for word in shlex.split(start) if "=" in word)
    chapters = commands_and_answers()
    script = "".join(f"{commands}\necho; echo '{MARK}'\n" for commands, _ in chapters)
    assert script.count(PRINTED_ADDRESS) == 1
    with running(folder, settings) as (_, address, said):
        password = re.search(r"password (\S+)", said)
        assert password, said
        walk = subprocess.run(
            ["bash", "-c", script.replace(PRINTED_ADDRESS, address)],
            cwd=folder,
            input=f"{password[1]}\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    outputs = walk.stdout.split(MARK)[:-1]
    assert len(outputs) == len(chapters), walk.stderr
    for (commands, printed), output in zip(chapters, outputs, strict=True):
        # A request without a printed answer is made to fail loudly, and waited for.
        assert commands.count("curl -s") == len(answers(printed)) + commands.count("curl -sf"), commands
        real = answers(output)
        assert len(real) == len(answers(printed)), f"{commands}\n{output}{walk.stderr}"
        for told, given in zip(answers(printed), real, strict=True):
            compare(told, given, commands)


def test_the_message_of_the_guide_is_one_that_the_service_understands() -> None:
    [message] = blocks("kafka")
    head, value = message.split("\n\n", 1)
    headers = [(name, text.encode()) for name, text in (line.split(": ") for line in head.splitlines())]
    paid = decoded(value.encode(), headers, PAYMENTS)
    assert isinstance(paid, PaymentCaptured)
    assert (paid.payment_id, paid.amount, paid.currency, paid.method) == ("pay_8841", "43.40", "EUR", "CARD")


def answers(output: str) -> Sequence[str]:
    return _ANSWER.split(output.replace("\r", ""))[1:]


def compare(told: str, given: str, commands: str) -> None:
    (told_head, told_body), (given_head, given_body) = (_head_and_body(answer) for answer in (told, given))
    for line in told_head:
        assert any(_fits(line, real) for real in given_head), f"{commands}\n{line!r} is not in:\n{given}"
    assert told_head[0] == given_head[0], f"{commands}\n{given}"
    if told_body.startswith("{"):
        _compare_json(json.loads(told_body), json.loads(given_body), commands)
        return
    for line in told_body.splitlines():
        assert any(_fits(line, real) for real in given_body.splitlines()), f"{commands}\n{line!r} is not in:\n{given}"


def _compare_json(told: Any, given: Any, where: str) -> None:
    """Members may be left out of what is told, entries of lists may not."""
    if isinstance(told, dict):
        assert isinstance(given, dict), where
        for name, value in told.items():
            assert name in given, f"{where}: there is no {name}"
            _compare_json(value, given[name], f"{where}/{name}")
    elif isinstance(told, list):
        assert len(told) == len(given), f"{where}: {given}"
        for i, (one, other) in enumerate(zip(told, given, strict=True)):
            _compare_json(one, other, f"{where}/{i}")
    elif isinstance(told, str) and isinstance(given, str):
        assert _fits(told, given), f"{where}: {given}"
    else:
        assert told == given, f"{where}: {given}"


def _fits(told: str, given: str) -> bool:
    return re.fullmatch(".+".join(map(re.escape, told.split(ELLIPSIS))), given) is not None


def _head_and_body(answer: str) -> tuple[list[str], str]:
    head, _, body = answer.partition("\n\n")
    return head.splitlines(), body.strip()
