"""What an operator looks after the orders with: whether they are sound, and very many of them to try things on."""

import argparse
import sys
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.consistency import Finding, check
from adapters.persistence.consistency_queries import QUERIES
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.rebuilding import rebuild
from adapters.persistence.seeding import seed
from composition.commands.command import DONE, REFUSED, Commands, add_json, positive, progress, tell, with_engine
from composition.lags import CURSOR
from composition.settings import Settings, SettingsError
from order_service.domain.ids import read_order_number

_SHOWN = 20


def add_commands(commands: Commands) -> None:
    command = commands.add(
        "consistency",
        consistency,
        "see which orders break an invariant, or make them anew",
        about="""Prints each invariant, and what breaks it. It looks at one moment of the database, while the
        service runs; it takes no locks. (An embedded database serves one process at a time: stop `up`
        before.)

        That every event reached Kafka cannot be seen from the database: only that the relay's cursor is not
        beyond the log, and the log in order.""",
        exit_codes="Exit codes: 0 all is well; 1 something is broken, or PostgreSQL does not answer; 2 wrong use or "
        "settings.",
    )
    add_json(command, "a JSON object per line and invariant, with all that breaks it")
    command.add_argument(
        "--rebuild",
        action="store_true",
        help="first make the rows of orders again from the snapshot of their newest event, those alone that differ; "
        "what a cache holds of them may be old until it expires",
    )
    command.add_argument(
        "orders", nargs="*", type=_order, metavar="ORDER", help="rebuild these orders only, by number or id"
    )
    seeding = commands.add(
        "seed-orders",
        seed_orders,
        "make very many orders in a database to try things on",
        about="""Never in production. The orders are of all kinds, spread over the last year, with their events.
        The relay will not publish these: they take places in the log before those of all real
        transactions, and the relay's cursor is moved behind them; so it waits until no relay runs. Some
        of the orders are yet to be screened: a scheduler that is started on them sees to that.""",
    )
    seeding.add_argument("number", type=positive, metavar="N", help="how many orders")
    seeding.add_argument("--customers", type=positive, metavar="M", help="of how many customers (default: N / 20)")
    seeding.add_argument(
        "--beside-existing-orders", action="store_true", help="even if there are orders in the database already"
    )
    add_json(seeding)


def consistency(settings: Settings, given: argparse.Namespace) -> int:
    async def act(engine: AsyncEngine) -> int:
        if given.rebuild:
            await _rebuild(engine, [await _id_of(order, engine) for order in given.orders] or None)
        elif given.orders:
            raise SettingsError("Name orders only with --rebuild; the check looks at all of them.")
        broken = 0
        with progress("invariants", total=len(QUERIES)) as bar:
            async for finding in check(engine):
                broken += len(finding.broken)
                bar.clear()
                tell(finding) if given.json else _tell(finding)
                bar.update()
        if not given.json:
            print(
                f"{broken} broken." if broken else "All is well, as far as the database can tell; Kafka was not read."
            )
        return REFUSED if broken else DONE

    return with_engine(settings, act)


def seed_orders(settings: Settings, given: argparse.Namespace) -> int:
    async def act(engine: AsyncEngine) -> int:
        began = monotonic()
        with progress("orders", total=given.number) as bar:
            async for done in seed(
                engine,
                given.number,
                customers=given.customers or max(given.number // 20, 1),
                reader=CURSOR,
                until=datetime.now(UTC),
                beside_existing=given.beside_existing_orders,
            ):
                bar.update(done - bar.n)
        seconds = monotonic() - began
        if given.json:
            tell({"orders": given.number, "seconds": round(seconds, 1)})
        else:
            print(f"{given.number} orders seeded in {seconds:.0f} s.")
        return DONE

    return with_engine(settings, act, begin=True)


def _order(text: str) -> UUID | str:
    with suppress(ValueError):
        return UUID(text)
    number = read_order_number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is neither an order's number, such as K7Q2-9XWD-3F4M, nor its id")
    return number


async def _id_of(order: UUID | str, engine: AsyncEngine) -> UUID:
    """Raises OrderNotFound for a number: an id may be of an order whose row is lost."""
    return order if isinstance(order, UUID) else await SqlOrderViews(engine).id_of(order)


async def _rebuild(engine: AsyncEngine, order_ids: list[UUID] | None) -> None:
    looked_at = written = 0
    with progress("orders", total=None if order_ids is None else len(order_ids)) as bar:
        async for some, of_them in rebuild(engine, order_ids):
            looked_at, written = looked_at + some, written + of_them
            bar.update(some)
    print(f"{looked_at} orders compared with their log, {written} rows rewritten.", file=sys.stderr)


def _tell(finding: Finding) -> None:
    print(f"{'BROKEN' if finding.broken else 'ok':6} {finding.invariant} ({finding.seconds:.1f} s)", flush=True)
    for one in finding.broken[:_SHOWN]:
        print(f"       {f'order {one.order_id}: ' if one.order_id else ''}{one.what}")
    if len(finding.broken) > _SHOWN:
        print(f"       and {len(finding.broken) - _SHOWN} more; --json names them all")
