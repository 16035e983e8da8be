"""What an operator looks after the orders with: whether they are sound, and very many of them to try things on."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

import msgspec
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.consistency import Finding, check
from adapters.persistence.engine import create_engine
from adapters.persistence.rebuilding import rebuild
from adapters.persistence.seeding import seed
from composition.database import ready_database
from composition.lags import CURSOR
from composition.settings import Settings, SettingsError

_SHOWN = 20


def add_arguments_of_consistency(command: argparse.ArgumentParser) -> None:
    command.epilog = (
        "It looks at one moment of the database, while the service runs; it takes no locks. (An embedded database "
        "serves one process at a time: stop `up` before.) That every event reached "
        "Kafka cannot be seen from the database: only that the relay's cursor is not beyond the log, and the log in "
        "order. Exit code 0: all is well; 1: something is broken."
    )
    command.add_argument("--json", action="store_true", help="a line of JSON per invariant, with all that breaks it")
    command.add_argument(
        "--rebuild",
        action="store_true",
        help="first make the rows of orders again from the snapshot of their newest event, those alone that differ; "
        "what a cache holds of them may be old until it expires",
    )
    command.add_argument("orders", nargs="*", type=UUID, metavar="ORDER", help="rebuild these orders only, by id")


def consistency(settings: Settings, given: argparse.Namespace) -> int:
    async def act(engine: AsyncEngine) -> int:
        if given.rebuild:
            await _rebuild(engine, given.orders or None)
        elif given.orders:
            raise SettingsError("Name orders only with --rebuild; the check looks at all of them.")
        broken = 0
        async for finding in check(engine):
            broken += len(finding.broken)
            _tell_as_json(finding) if given.json else _tell(finding)
        if not given.json:
            print(
                f"{broken} broken." if broken else "All is well, as far as the database can tell; Kafka was not read."
            )
        return 1 if broken else 0

    return _with_engine(settings, act)


def add_arguments_of_seeding(command: argparse.ArgumentParser) -> None:
    command.epilog = (
        "For databases to try things on. The orders are of all kinds, spread over the last year, with their events. "
        "The relay will not publish these: they take places in the log before those of all real transactions, and "
        "the relay's cursor is moved behind them; so it waits until no relay runs. Some of the orders are yet to be "
        "screened: a scheduler that is started on them sees to that."
    )
    command.add_argument("number", type=int, metavar="N", help="how many orders")
    command.add_argument("--customers", type=int, metavar="M", help="of how many customers (default: N / 20)")
    command.add_argument(
        "--beside-existing-orders", action="store_true", help="even if there are orders in the database already"
    )


def seed_orders(settings: Settings, given: argparse.Namespace) -> int:
    async def act(engine: AsyncEngine) -> int:
        began = monotonic()
        async for done in seed(
            engine,
            given.number,
            customers=given.customers or max(given.number // 20, 1),
            reader=CURSOR,
            until=datetime.now(UTC),
            beside_existing=given.beside_existing_orders,
        ):
            if done % 50_000 == 0 or done == given.number:
                _progress(f"{done} orders after {monotonic() - began:.0f} s")
        print(f"{given.number} orders seeded in {monotonic() - began:.0f} s.")
        return 0

    return _with_engine(settings, act)


async def _rebuild(engine: AsyncEngine, order_ids: list[UUID] | None) -> None:
    looked_at = written = 0
    async for some, of_them in rebuild(engine, order_ids):
        looked_at, written = looked_at + some, written + of_them
        if looked_at % 100_000 == 0:
            _progress(f"{looked_at} orders compared with their log, {written} rows rewritten")
    _progress(f"{looked_at} orders compared with their log, {written} rows rewritten: done")


def _tell(finding: Finding) -> None:
    print(f"{'BROKEN' if finding.broken else 'ok':6} {finding.invariant} ({finding.seconds:.1f} s)", flush=True)
    for one in finding.broken[:_SHOWN]:
        print(f"       {f'order {one.order_id}: ' if one.order_id else ''}{one.what}")
    if len(finding.broken) > _SHOWN:
        print(f"       and {len(finding.broken) - _SHOWN} more; --json names them all")


def _tell_as_json(finding: Finding) -> None:
    print(msgspec.json.encode(finding).decode(), flush=True)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _with_engine(settings: Settings, act: Callable[[AsyncEngine], Awaitable[int]]) -> int:
    async def run(url: URL) -> int:
        engine = create_engine(url, pool_size=2, patience=None)  # a million orders take their time
        try:
            return await act(engine)
        finally:
            await engine.dispose()

    with ready_database(settings) as url:
        return asyncio.run(run(url))
