"""The command `order-service`."""

import argparse
import sys
from collections.abc import Callable, Sequence

from adapters.embedded.postgres import PostgresStartFailed
from composition import demo
from composition.database import database, migrate, new_migration
from composition.embedded import run_embedded
from composition.settings import Settings, SettingsError, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="order-service", description="A headless engine for the life of an order.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "up", _up, "run the whole service in one process, with a database of its own")
    _add(commands, "demo", _demo, "play an order's life against a service started for it, step by step")
    _add(commands, "migrate", _migrate, "bring the database's schema to the newest revision")
    migration = _add(commands, "migration", _migration, "write a revision with what the tables in code have new")
    migration.add_argument("name", help="what the revision does, such as 'index orders by status'")
    given = parser.parse_args(arguments)
    try:
        code: int = given.run(read_settings(), given)
    except (SettingsError, PostgresStartFailed) as error:
        print(f"order-service: {error}", file=sys.stderr)
        return 2
    return code


Command = Callable[[Settings, argparse.Namespace], int]


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Command, summary: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(run=run)
    return command


def _up(settings: Settings, _: argparse.Namespace) -> int:
    run_embedded(settings)
    return 0


def _demo(_: Settings, __: argparse.Namespace) -> int:
    return demo.play()


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    with database(settings) as url:
        migrate(url)
    print("The schema is at the newest revision.")
    return 0


def _migration(settings: Settings, given: argparse.Namespace) -> int:
    with database(settings) as url:
        migrate(url)
        new_migration(url, given.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
