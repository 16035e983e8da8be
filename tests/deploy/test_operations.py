"""What docs/operations.md tells people to do can be done."""

import argparse
import re
from pathlib import Path

import pytest
import yaml

from composition import cli
from tests.composition.test_cli import commands_of
from tests.deploy.code import DEPLOY, ROOT, SETTINGS_AND_FILES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
COMMANDS = {command.prog.removeprefix("order-service ") for command in commands_of(cli._parser())}
ALERTS = DEPLOY / "observability" / "alerts.yaml"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_is_there(page: Path) -> None:
    named = re.findall(r"order-service ((?:[a-z][a-z-]+ ?){1,2})", page.read_text())
    unknown = [name for name in named if not ({name.strip(), name.split()[0]} & COMMANDS)]
    assert [name for name in unknown if name.split()[0] not in {"is", "and"}] == []


def test_every_option_that_is_named_is_there() -> None:
    told = re.findall(r"`order-service ([a-z][a-z -]*?) (--[a-z-]+)", OPERATIONS)
    by_name = {command.prog.removeprefix("order-service "): command for command in commands_of(cli._parser())}
    assert [(name, option) for name, option in told if not _takes(by_name[name], option)] == []


def test_every_setting_that_is_named_is_there() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", OPERATIONS))
    assert named - SETTINGS_AND_FILES == set()


def test_every_alert_has_a_part_and_every_part_an_alert() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    alerts = {rule["alert"]: rule["annotations"]["runbook"] for rule in rules if "alert" in rule}
    assert set(re.findall(r"^### (OrderService\w+)$", OPERATIONS, re.MULTILINE)) == set(alerts)
    assert {name: f"docs/operations.md#{name.lower()}" for name in alerts} == alerts


def _takes(command: argparse.ArgumentParser, option: str) -> bool:
    return any(option in action.option_strings for action in command._actions)
