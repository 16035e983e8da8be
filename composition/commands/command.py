"""What the commands have in common: how they are told of, what they work on, and how they speak."""

import argparse
import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Never

import msgspec
from dishka import AsyncContainer
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine
from tqdm import tqdm

from adapters.persistence.engine import create_engine
from composition.container import Resources, make_container
from composition.database import ready_database
from composition.settings import Settings
from order_service.domain.errors import DependencyUnavailable, OrderServiceError

DONE, REFUSED, WRONG_USE = 0, 1, 2
"""1 also means: something is broken, or a dependency is away."""

EXIT_CODES = "Exit codes: 0 done; 1 refused, or a server that it needs does not answer; 2 wrong use or settings."

Command = Callable[[Settings, argparse.Namespace], int]

_WIDTH = 92


class Commands:
    """Where commands are added, so that all are told of in the same way."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._all = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def add(
        self, name: str, run: Command, summary: str, *, about: str = "", exit_codes: str = EXIT_CODES
    ) -> argparse.ArgumentParser:
        """`about`: what it prints, and what else one should know before."""
        command = self._parser(name, summary, about=about, epilog=exit_codes)
        command.set_defaults(run=run)
        return command

    def group(self, name: str, summary: str) -> "Commands":
        return Commands(
            self._parser(name, summary, about="", epilog=f"`order-service {name} COMMAND --help` tells more.")
        )

    def _parser(self, name: str, summary: str, *, about: str, epilog: str) -> argparse.ArgumentParser:
        told = [summary[0].upper() + summary[1:] + ".", *about.split("\n\n")]
        return self._all.add_parser(
            name,
            help=summary,
            description="\n\n".join(textwrap.fill(" ".join(part.split()), _WIDTH) for part in told if part),
            epilog=textwrap.fill(epilog, _WIDTH),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )


def add_json(command: argparse.ArgumentParser, what: str = "one JSON object") -> None:
    command.add_argument("--json", action="store_true", help=f"print {what}, and nothing else, for scripts")


def carry_out(
    act: Callable[[AsyncContainer], Awaitable[int | None]], settings: Settings, *, begin: bool = False
) -> int:
    """The exit code of the command: 1, and a line that says why, where the service refuses it.

    `begin`: whether it makes sense in a database that is made for it.
    """
    with ready_database(settings, begin=begin) as url, _refusals(settings):

        async def run() -> int | None:
            opened = make_container(settings, Resources(database=url, secret_key=""))  # no token is made here
            try:
                return await act(opened)
            finally:
                await opened.close()

        return asyncio.run(run()) or DONE
    return REFUSED


def with_engine(settings: Settings, act: Callable[[AsyncEngine], Awaitable[int]], *, begin: bool = False) -> int:
    """The same for what takes its time: no statement is cut off."""

    async def run(url: URL) -> int:
        engine = create_engine(url, pool_size=2, patience=None)
        try:
            return await act(engine)
        finally:
            await engine.dispose()

    with ready_database(settings, begin=begin) as url, _refusals(settings):
        return asyncio.run(run(url))
    return REFUSED


@contextmanager
def _refusals(settings: Settings) -> Iterator[None]:
    """Says why, and goes on behind the block."""
    try:
        yield
    except DependencyUnavailable as error:
        complain(away(error, settings))
    except OrderServiceError as error:
        complain(error)


def away(error: DependencyUnavailable, settings: Settings) -> str:
    """What does not answer, and which settings say where it was looked for."""
    where = settings.where(error.dependency)
    if where is None:
        return str(error)
    address, names = where
    return f"{error.dependency} at {address} does not answer. Is it running? Check {names}."


def tell(fields: object) -> None:
    """A line of JSON."""
    print(msgspec.json.encode(fields).decode(), flush=True)


def tell_columns(rows: Iterable[Iterable[object]]) -> None:
    """A table for people; the first row is its head."""
    texts = [["-" if value in (None, "") else printable(str(value)) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


def printable(text: str) -> str:
    """For a terminal, which would do what is written there by somebody else, and not only show it."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def complain(error: object) -> None:
    print(f"order-service: {error}", file=sys.stderr)


def progress(unit: str, *, total: int | None = None) -> "tqdm[Never]":
    """A bar for whoever waits at a terminal; elsewhere nothing."""
    return tqdm(total=total, unit=f" {unit}", file=sys.stderr, disable=None, dynamic_ncols=True)


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def age(since: datetime) -> str:
    seconds = max(0.0, (datetime.now(UTC) - since).total_seconds())
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
