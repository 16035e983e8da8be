"""What deploy/ has to agree with: the roles, settings and version that the code has."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import yaml
from dotenv import dotenv_values

from composition.settings import SECRETS, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ENV_EXAMPLE = ROOT / ".env.example"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION: str = PYPROJECT["project"]["version"]

PROGRAM = 'if __name__ == "__main__":'
ROLES = frozenset(
    file.stem for file in (ROOT / "composition").glob("*.py") if PROGRAM in file.read_text() and file.stem != "cli"
)
"""Each is a process of its own, `python -m composition.ROLE`."""

SECRET_SETTINGS = frozenset(name.upper() for name in SECRETS)
SETTINGS = frozenset(field.encode_name.upper() for field in msgspec.structs.fields(Settings))
SETTINGS_AND_FILES = SETTINGS | {f"{name}_FILE" for name in SECRET_SETTINGS}


def in_env_example() -> set[str]:
    """The settings that .env.example sets or, behind a #, tells of."""
    text = ENV_EXAMPLE.read_text()
    hidden = {line[2:].partition("=")[0] for line in text.splitlines() if line.startswith("# ") and "=" in line}
    return set(dotenv_values(ENV_EXAMPLE)) | {name for name in hidden if name in SETTINGS_AND_FILES}


def role_of(command: list[str]) -> str | None:
    """The role that a container's command starts, if it starts one."""
    return command[2].removeprefix("composition.") if command[:2] == ["python", "-m"] else None


def is_command(command: list[str]) -> bool:
    """Whether the code has what a container of our image is told to run."""
    if (role := role_of(command)) is not None:
        return role in ROLES
    module, _, function = PYPROJECT["project"]["scripts"].get(command[0], ":").partition(":")
    return bool(module) and callable(getattr(importlib.import_module(module), function))


def read_yaml(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content
