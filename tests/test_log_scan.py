"""The scan of logs finds what is planted for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.log_scan import LogScan

ROOT = Path(__file__).parents[1]
PLANTED = {
    "an e-mail address": "no such account: 0af3@Example.com",
    "a password": "correct horse battery",
    "the hash of a password": "$argon2id$v=19$m=65536",
    "a token": "Bearer eyJhbGciOiJIUzI1NiJ9",
    "a secret key": "a secret key for the fleet, 32 or more characters",
    "an address with a password": "postgresql://ann:hunter2@db/orders",
    "a line of an order": '{"lines": [{"unit_price": "4.50"}]}',
    "a row of the database": "DETAIL: Key (email)=(x) already exists.",
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_line_is_found(what: str, tmp_path: Path) -> None:
    scan = LogScan()
    scan.watch(tmp_path / "up.log", json=False).write_text(f"good\n{PLANTED[what]}\ngood\n")
    scan.within.append(PLANTED[what])
    scan.scan()
    assert scan.lines == 4
    assert scan.faults == [
        f"{tmp_path}/up.log: {what}: {PLANTED[what]}",
        f"within the tests: {what}: {PLANTED[what]}",
    ]


def test_a_line_that_is_no_json_is_found_where_all_must_be(tmp_path: Path) -> None:
    scan = LogScan()
    scan.watch(tmp_path / "api.log", json=True).write_text('{"a": 1}\nTraceback\n[1]\n{"killed": ')
    scan.watch(tmp_path / "up.log", json=False).write_text("text\n")
    scan.watch(tmp_path / "never-written.log", json=True)
    scan.scan()
    assert scan.lines == 5
    assert scan.faults == [f"{tmp_path}/api.log: no JSON: Traceback", f"{tmp_path}/api.log: no JSON: [1]"]


@pytest.mark.parametrize("planted", [False, True])
def test_a_run_fails_by_what_is_found_although_every_test_passes(planted: bool, tmp_path: Path) -> None:
    line = "ann@example.com" if planted else "nobody"
    (tmp_path / "test_it.py").write_text(
        "from tests.log_scan import SCAN\n"
        "def test_it(tmp_path):\n"
        f"    SCAN.watch(tmp_path / 'a.log', json=False).write_text({line + chr(10)!r})\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.log_scan", "-c", "/dev/null", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in ran.stdout
    assert f"1 lines of logs scanned (1 files, 0 lines of the tests' own process): {int(planted)} " in ran.stdout
    assert ran.returncode == int(planted)
    assert ("an e-mail address: ann@example.com" in ran.stdout) == planted
