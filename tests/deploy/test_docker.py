"""Before `docker compose` is asked: is it there, and has it a .env?"""

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from composition.secret import require_unguessable
from tests.deploy.code import ENV_EXAMPLE as EXAMPLE
from tests.deploy.docker import missing, require_env


def test_a_missing_env_is_made_with_a_secret_that_nobody_else_reads(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    assert require_env(env, EXAMPLE) is None
    made = dotenv_values(env)
    require_unguessable("SECRET_KEY", str(made["SECRET_KEY"]))
    assert made | {"SECRET_KEY": ""} == dotenv_values(EXAMPLE)
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_an_env_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("SECRET_KEY=mine\n")
    assert require_env(env, EXAMPLE) is None
    assert env.read_text() == "SECRET_KEY=mine\n"


def test_an_env_without_a_secret_is_told_how_to_get_one(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("SECRET_KEY=\n")
    assert "Make one with" in str(require_env(env, EXAMPLE))


def test_a_missing_docker_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(missing()).startswith("The command docker is not there.")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 1", "its command compose is not"),
        ('[ "$1" = compose ] || { echo no daemon >&2; exit 1; }', "does not answer: no daemon"),
    ],
)
def test_a_docker_that_cannot_compose_is_told(
    script: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert told in str(missing())
