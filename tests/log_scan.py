"""After all tests: nothing of what tests know to be personal or secret is in a log, and logs are what they should be.

Looked at are the files of the processes that tests start, and what the parts of the service log within the tests' own
process, as it would be written in production. A line that should not be there fails the run.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from composition.logs import JsonLines

NEVER = {
    "an e-mail address": r"(@|%40)example\.com",
    "a password": r"correct.horse|purple.tin.roof",
    "the hash of a password": r"\$argon2",
    "a token": r"eyJ[\w-]{8}",
    "a secret key": r"a (secret )?key for (the fleet|tests)",
    "an address with a password": r"://[^/\s\"]*:[^/\s\"]+@",
    "a line of an order": r"unit_price|\bMug\b",
    "a row of the database": r"Key \(|Failing row contains",
}
"""How every test calls its people, their passwords and their goods."""

_NEVER = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in NEVER.items()}


@dataclass(slots=True)
class LogScan:
    files: dict[Path, bool] = field(default_factory=dict)
    """Whether each of its lines must be JSON."""

    within: list[str] = field(default_factory=list)
    """Lines of this very process."""

    lines: int = 0
    faults: list[str] = field(default_factory=list)

    def watch(self, file: Path, *, json: bool) -> Path:
        self.files[file] = json
        return file

    def scan(self) -> None:
        """Counts the lines, and tells what is wrong with which."""
        self.lines, self.faults = 0, []
        for file, must_be_json in self.files.items():
            text = file.read_text(errors="backslashreplace") if file.exists() else ""
            for line in text.splitlines(keepends=True):
                self.lines += 1
                # one without an end is of a process that was killed
                if must_be_json and line.endswith("\n") and not _is_json(line):
                    self.faults.append(f"{file}: no JSON: {line.rstrip()}")
                self.faults += [f"{file}: {what}: {line.rstrip()}" for what in _found(line)]
        self.lines += len(self.within)
        self.faults += [f"within the tests: {what}: {line}" for line in self.within for what in _found(line)]


SCAN = LogScan()


class _Recorder(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        SCAN.within.append(self.format(record))


def pytest_configure() -> None:
    recorder = _Recorder()
    recorder.setFormatter(JsonLines())
    logging.getLogger().addHandler(recorder)


def pytest_sessionfinish(session: pytest.Session) -> None:
    SCAN.scan()
    if SCAN.faults:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for fault in SCAN.faults[:50]:
        terminalreporter.write_line(f"LOG {fault}", red=True)
    terminalreporter.write_line(
        f"{SCAN.lines} lines of logs scanned ({len(SCAN.files)} files, {len(SCAN.within)} lines of the tests' own "
        f"process): {len(SCAN.faults)} that must not be there"
    )


def _found(line: str) -> Iterator[str]:
    return (what for what, pattern in _NEVER.items() if pattern.search(line))


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
