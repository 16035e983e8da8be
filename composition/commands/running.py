"""The commands that run the service, or make its database and its documents ready."""

import argparse

import msgspec

from adapters.embedded.postgres import PostgresInUse, home_of
from composition.asyncapi import asyncapi
from composition.commands import demo
from composition.commands.command import DONE, REFUSED, Commands, complain
from composition.database import database, embedded_folder, migrate, new_migration
from composition.settings import Settings, SettingsError


def add_commands(commands: Commands) -> None:
    commands.add(
        "up",
        _up,
        "run the whole service in one process, with a database of its own",
        about="""Runs until Ctrl-C or SIGTERM, and prints where to find it; the first time with the password of an
        administrator's account. Without POSTGRES_HOST it brings its own PostgreSQL, in VAR_DIR.""",
    )
    commands.add(
        "demo",
        _demo,
        "play an order's life against a service started for it, step by step",
        about="Prints each step and what the service answered. All of it is gone afterwards.",
        exit_codes="Exit codes: 0 all went as told; 1 something did not; 2 wrong use.",
    )
    commands.add(
        "migrate",
        _migrate,
        "bring the database's schema to the newest revision",
        about="""The account must own the tables. It also makes the partitions of the event log for the months to
        come. To run it again changes nothing.""",
    )
    migration = commands.add(
        "migration",
        _migration,
        "write a revision with what the tables in code have new",
        about="For developers: a file in migrations/versions. The database is migrated first.",
    )
    migration.add_argument("name", help="what the revision does, such as 'index orders by status'")
    commands.add(
        "asyncapi",
        _asyncapi,
        "print the description of the Kafka side (AsyncAPI 3)",
        about="One JSON document, with the names of topics that are set here.",
    )


def _up(settings: Settings, _: argparse.Namespace) -> int:
    from composition.embedded import run_embedded  # noqa: PLC0415 - dear, and no other command needs it

    try:
        run_embedded(settings)
    except PostgresInUse as error:  # in its own words, for it may be given another folder
        complain(error)
        return REFUSED
    return DONE


def _demo(_: Settings, __: argparse.Namespace) -> int:
    return demo.play()


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    _require_a_database(settings)
    with database(settings) as url:
        migrate(url)
    of = "" if settings.postgres_url else f" of the service's own database in {home_of(embedded_folder(settings))}"
    print(f"The schema{of} is at the newest revision.")
    return DONE


def _migration(settings: Settings, given: argparse.Namespace) -> int:
    with database(settings) as url:
        migrate(url)
        new_migration(url, given.name)
    return DONE


def _asyncapi(settings: Settings, _: argparse.Namespace) -> int:
    print(msgspec.json.format(msgspec.json.encode(asyncapi(settings)), indent=2).decode())
    return DONE


def _require_a_database(settings: Settings) -> None:
    """Who has services has a PostgreSQL, too: an embedded one, which only `up` uses, is not what they mean."""
    if settings.postgres_url is None and (settings.redis is not None or settings.kafka is not None):
        raise SettingsError(
            "Set POSTGRES_HOST or DATABASE_URL: there is a Redis or Kafka, but no PostgreSQL whose schema could be "
            "brought up. (`order-service up` sees to the database that it brings along by itself.)"
        )
