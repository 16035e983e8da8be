"""The command `order-service`."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence

import asyncpg
from sqlalchemy.exc import ProgrammingError

from adapters.embedded.postgres import PostgresInUse, PostgresStartFailed
from adapters.persistence.event_log import LogIsRead, LogOfAnotherCluster
from adapters.persistence.failures import driver_error
from adapters.persistence.seeding import OrdersExist
from composition.commands import (
    backup,
    letters,
    machinery,
    new_key,
    order_page,
    people,
    privacy,
    running,
    services,
    settings_reference,
    upkeep,
)
from composition.commands.command import REFUSED, WRONG_USE, Commands, complain
from composition.container import VERSION
from composition.database import NoSchema
from composition.logs import keep_libraries_silent
from composition.refusal import SettingsError, Unreachable
from composition.settings import read_settings
from order_service.domain.errors import DependencyUnavailable

_INTERRUPTED, _NOBODY_READS = 130, 141
"""As shells have it: 128, and the number of the signal that would have ended another program."""

_NO_SUCH_TABLE_OR_COLUMN = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)

_REFUSALS = (
    Unreachable,
    NoSchema,
    PostgresStartFailed,
    LogOfAnotherCluster,
    LogIsRead,
    OrdersExist,
    DependencyUnavailable,
)

_EPILOG = """\
Settings come from the environment and from .env: docs/settings.md, or `order-service settings`.
`order-service COMMAND --help` tells more of each.

Exit codes: 0 done; 1 refused, something is broken, or a server that is needed does not answer;
2 wrong use or settings; 130 interrupted (Ctrl-C); 141 nobody reads the output any more.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    keep_libraries_silent()
    try:
        code = _run(given)
        if sys.stdout is not None:  # closed by whoever started it
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _say_no_more()
        return _NOBODY_READS
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _say_no_more()
        complain(f"{error.strerror}.")
        return REFUSED
    return code


def _run(given: argparse.Namespace) -> int:
    try:
        code: int = given.run(read_settings(), given)
    except PostgresInUse as error:
        complain(
            f"The database in {error.folder} (VAR_DIR) is in use by process {error.holder}. Stop `order-service up` "
            "first, or look at its /ops pages."
        )
        return REFUSED
    except _REFUSALS as error:
        complain(error)
        return REFUSED
    except SettingsError as error:
        complain(error)
        return WRONG_USE
    except (ProgrammingError, asyncpg.PostgresError) as error:
        if not isinstance(driver_error(error), _NO_SUCH_TABLE_OR_COLUMN):
            raise
        complain(NoSchema())
        return REFUSED
    return code


def _say_no_more() -> None:
    """What is left to be written Python would try to write once more at the end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="order-service",
        description="A headless engine for the life of an order.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"order-service {VERSION}")
    commands = Commands(parser)
    running.add_commands(commands)
    people.add_commands(commands)
    services.add_commands(commands)
    new_key.add_commands(commands)
    privacy.add_commands(commands)
    order_page.add_commands(commands)
    machinery.add_commands(commands)
    letters.add_commands(commands)
    upkeep.add_commands(commands)
    backup.add_commands(commands)
    settings_reference.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
