"""`order-service settings`: what each setting means, for people, out of the classes that hold them.

`.env.example` and `docs/settings.md` are made here (`just settings`), so they cannot say anything else than the code.
"""

import argparse
import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.inspect import (
    BoolType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    NoneType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from composition.collector import Collecting
from composition.commands.command import Commands, tell
from composition.connections import Connections
from composition.settings import SECRETS, Settings

EXAMPLES = {
    "postgres_host": "db.pg.server",
    "postgres_pass": "postgres",
    "redis_host": "db.redis.server",
    "kafka_host": "kafka",
    "secret_key": "",
}
"""What `.env.example` says instead of the default: the services of docker compose, and a line to be filled in."""

_WIDTH = 120

_ENV_INTRODUCTION = """\
Every setting of the order service; docs/settings.md has them as tables. Copy this file to .env and change what you
need; the environment wins over .env. With no file at all, the service runs everything itself, with its data in
var/. The *_HOST lines below name services of docker compose: delete the ones that you do not have. With services,
SECRET_KEY must be set.

Passwords, SECRET_KEY and addresses may be in files instead, as Docker and Kubernetes mount secrets: NAME_FILE
names the file with the value of NAME.

Made by `just settings`, of composition/settings.py and what it stands on.
"""
_PAGE_INTRODUCTION = """\
# Settings

Read once, where a process starts, from the environment and from the file `.env` in the folder where it starts; the
environment wins. An empty value counts as not set. A wrong one ends the process with a line that names it.
`order-service settings` prints what a process would go by here, without secrets.

The value of a *secret* is never shown. It may be in a file instead, as Docker and Kubernetes mount secrets: then
`NAME_FILE`, such as `SECRET_KEY_FILE`, names the file, whose last line break does not count. Setting both is refused.

[.env.example](../.env.example) has the same to copy. Both are made by `just settings`, of `composition/settings.py`
and what it stands on.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    meaning: str
    default: str | None
    allowed: str
    choice: bool
    """Whether `allowed` is words to choose from."""

    @property
    def env(self) -> str:
        return self.name.upper()

    @property
    def secret(self) -> bool:
        return self.name in SECRETS


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    settings: list[Setting] = field(default_factory=list)


def groups() -> list[Group]:
    """In the order in which they are written down."""
    struct = type_info(Settings)
    assert isinstance(struct, StructType)  # noqa: S101 - for the type checker
    fields = {each.name: each for each in struct.fields}
    found: list[Group] = []
    for owner in (Connections, Settings, Collecting):
        for said in _said(inspect.getsource(owner)):
            if isinstance(said, str):
                found.append(Group(said))
            else:
                found[-1].settings.append(_setting(*said, fields))
    return found


def env_example() -> str:
    lines = [line for paragraph in _ENV_INTRODUCTION.split("\n\n") for line in _comment(paragraph)]
    for group in groups():
        lines += ["", f"# --- {group.title} ---"]
        for setting in group.settings:
            value = EXAMPLES.get(setting.name, setting.default)
            lines += _comment(f"{setting.meaning} {f'One of {setting.allowed}.' if setting.choice else ''}")
            lines.append(f"# {setting.env}=" if value is None else f"{setting.env}={value}")
            lines += [f"# {setting.env}_FILE="] if setting.secret else []
    return "\n".join([*lines, ""])


def markdown() -> str:
    lines = [_PAGE_INTRODUCTION]
    for group in groups():
        title, _, more = group.title.partition(". ")
        lines += [f"## {title}", ""]
        lines += [f"{more}.", ""] if more else []
        lines += ["| setting | what it means | default | allowed |", "|---|---|---|---|"]
        for setting in group.settings:
            default = {None: "not set", "": "empty"}.get(setting.default, f"`{setting.default}`")
            name = f"`{setting.env}`{' (*secret*)' if setting.secret else ''}"
            lines.append(f"| {name} | {_in_cell(setting.meaning)} | {default} | {setting.allowed} |")
        lines.append("")
    return "\n".join(lines)


def add_commands(commands: Commands) -> None:
    command = commands.add(
        "settings",
        tell_settings,
        "print the settings that the service would go by here",
        about="""Prints NAME=value lines, of the environment, .env and the defaults. A secret is shown as three
        dots, even if it is in a file. docs/settings.md tells what each means.""",
        exit_codes="Exit codes: 0 done; 2 wrong use, or a setting that is wrong.",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print them as one JSON object")
    form.add_argument("--env", action="store_true", help="print .env.example instead: all settings there are")
    form.add_argument("--markdown", action="store_true", help="print docs/settings.md instead")


def tell_settings(settings: Settings, given: argparse.Namespace) -> int:
    if given.env or given.markdown:
        print(env_example() if given.env else markdown(), end="")
        return 0
    shown = {each.env: _shown(settings, each) for group in groups() for each in group.settings}
    if given.json:
        tell(shown)
    else:
        print(*(f"{name}={_written(value)}" for name, value in shown.items()), sep="\n")
    return 0


def _shown(settings: Settings, setting: Setting) -> object:
    value = getattr(settings, setting.name)
    return "..." if setting.secret and value else value


def _written(value: object) -> str:
    """As it is read from the environment."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _setting(name: str, meaning: str, fields: Mapping[str, Field]) -> Setting:
    default, kind = fields[name].default, fields[name].type
    if isinstance(kind, UnionType):
        kind = next(each for each in kind.types if not isinstance(each, NoneType))
    return Setting(
        name,
        meaning,
        None if default is None else _written(default),
        _allowed(kind),
        choice=isinstance(kind, LiteralType),
    )


def _said(source: str) -> Iterator[str | tuple[str, str]]:
    """The titles of groups, and the settings with their meanings, as they follow each other in a class."""
    source = textwrap.dedent(source)
    (class_,) = ast.parse(source).body
    assert isinstance(class_, ast.ClassDef)  # noqa: S101 - for the type checker
    at: dict[int, str | tuple[str, str]] = {}
    for node, after in zip(class_.body, [*class_.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told = after.value if isinstance(after, ast.Expr) else None
            meaning = told.value if isinstance(told, ast.Constant) and isinstance(told.value, str) else ""
            at[node.lineno] = (node.target.id, " ".join(meaning.split()))
    for number, line in enumerate(source.splitlines(), start=1):
        if line.startswith("    # ") and number < max(at):
            at[number] = line.removeprefix("    # ")
    return iter([at[number] for number in sorted(at)])


def _allowed(kind: Type) -> str:
    match kind:
        case LiteralType():
            *most, last = (str(value) for value in kind.values)
            return f"{', '.join(most)} or {last}"
        case BoolType():
            return "true or false"
        case IntType(ge=int(least), le=None):
            return f"{least} or more"
        case IntType(ge=int(least), le=int(most_)):
            return f"{least} to {most_}"
        case FloatType(ge=int(least), le=int(most_)):
            return f"{least} to {most_}"
    return "text"


def _comment(text: str) -> list[str]:
    whole = re.sub(r"`[^`]*`", lambda command: command[0].replace(" ", "\0"), text)  # to be copied, so never broken
    return [
        f"# {line}".replace("\0", " ")
        for line in textwrap.wrap(whole, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    ]


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
