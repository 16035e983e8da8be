"""Staff accounts by command, as whoever runs the service makes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from adapters.persistence.engine import create_engine

COMMAND = Path(sys.executable).parent / "order-service"
SECONDS = 60


def order_service(database_url: URL, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url.render_as_string(hide_password=False)},
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


async def test_an_administrator_is_made_once_with_a_password_that_is_nowhere_printed(database_url: URL) -> None:
    made = order_service(database_url, "create-admin", "Boss@example.com", typed="correct horse battery\n")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("boss@example.com is an administrator now")
    assert "horse" not in made.stdout + made.stderr
    again = order_service(database_url, "create-admin", "boss@example.com", typed="correct horse battery\n")
    assert (again.returncode, again.stderr) == (
        1,
        "order-service: An account with this e-mail address exists already.\n",
    )


async def test_a_role_is_given_and_taken(database_url: URL) -> None:
    order_service(database_url, "create-admin", "ann@example.com", typed="correct horse battery\n")
    given = order_service(database_url, "set-role", "ann@example.com", "operator", "--even-the-last")
    assert (given.returncode, given.stdout) == (0, "ann@example.com has the role operator now.\n")
    again = order_service(database_url, "set-role", " Ann@Example.com", "operator")
    assert (again.returncode, again.stdout) == (0, given.stdout)
    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        told = await connection.execute(text("SELECT type, actor_kind, change FROM account_events ORDER BY seq"))
        assert [tuple(row) for row in told] == [
            ("account.registered", "system", {"role": "admin"}),
            ("account.role_changed", "system", {"from": "admin", "to": "operator"}),
        ]
    await engine.dispose()


@pytest.mark.parametrize(
    ("arguments", "typed", "complaint"),
    [
        (["create-admin", "nobody"], "correct horse battery\n", "email must be an e-mail address"),
        (["create-admin", "ann@example.com"], "short\n", "password must have 8 to 1024 characters"),
        (["create-admin", "ann@example.com"], "Password123\n", "password is one of the most common passwords"),
        (["create-admin", "annabelle.lee@example.com"], "annabelle.lee\n", "password must not be the e-mail address"),
        (["set-role", "nobody@example.com", "admin"], "", "No such account."),
    ],
)
async def test_what_cannot_be_done_is_said(
    database_url: URL, arguments: list[str], typed: str, complaint: str
) -> None:
    refused = order_service(database_url, *arguments, typed=typed)
    assert refused.returncode == 1
    assert complaint in refused.stderr
    assert "Traceback" not in refused.stderr
