"""The command `order-service`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

import msgspec
from dishka import AsyncContainer
from sqlalchemy import URL
from sqlalchemy.exc import ProgrammingError

from adapters.embedded.postgres import PostgresStartFailed
from adapters.persistence.engine import create_engine
from adapters.persistence.event_log import LogOfAnotherCluster, SqlEventLog
from adapters.persistence.seeding import OrdersExist
from composition import demo, keys, people, privacy, services, upkeep
from composition.commands import carry_out
from composition.container import asyncapi
from composition.database import database, migrate, new_migration, ready_database
from composition.embedded import run_embedded
from composition.lags import CURSOR
from composition.settings import Settings, SettingsError, read_settings
from composition.settings_reference import add_arguments_of_settings, tell_settings
from order_service.domain.actor import SYSTEM
from order_service.domain.errors import DependencyUnavailable
from order_service.use_cases.list_dead_letters import ListDeadLetters
from order_service.use_cases.redrive_letter import RedriveLetter


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="order-service", description="A headless engine for the life of an order.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "up", _up, "run the whole service in one process, with a database of its own")
    _add(commands, "demo", _demo, "play an order's life against a service started for it, step by step")
    _add(commands, "migrate", _migrate, "bring the database's schema to the newest revision")
    migration = _add(commands, "migration", _migration, "write a revision with what the tables in code have new")
    migration.add_argument("name", help="what the revision does, such as 'index orders by status'")
    admin = _add(commands, "create-admin", people.create_admin, "make an administrator's account")
    people.add_arguments_of_create_admin(admin)
    role = _add(commands, "set-role", people.set_role, "make an account a customer's, an operator's or an admin's")
    people.add_arguments_of_set_role(role)
    service = _add(commands, "create-service", services.create_service, "let another system in, with a secret")
    services.add_arguments_of_create_service(service)
    rotated = _add(commands, "rotate-service-secret", services.rotate_service_secret, "give a service a new secret")
    services.add_arguments_of_rotate_service_secret(rotated)
    removed = _add(commands, "remove-service", services.remove_service, "let another system in no more")
    services.add_arguments_of_remove_service(removed)
    _add(commands, "services", services.list_services, "list the other systems that are let in")
    key = _add(commands, "create-signing-key", keys.create_signing_key, "make a private key that signs access tokens")
    keys.add_arguments_of_create_signing_key(key)
    export = _add(commands, "export-account", privacy.export_account, "print all that is kept of somebody, as JSON")
    privacy.add_arguments_of_export(export)
    erasure = _add(commands, "erase-account", privacy.erase_account, "erase an account for good")
    privacy.add_arguments_of_erasure(erasure)
    relay = _add(commands, "relay", _relay, "see how far the relay is behind, or rebase a restored event log")
    relay.add_argument("action", choices=["status", "rebase"])
    sound = _add(
        commands, "consistency", upkeep.consistency, "see which orders break an invariant, or make them anew"
    )
    upkeep.add_arguments_of_consistency(sound)
    seeding = _add(
        commands, "seed-orders", upkeep.seed_orders, "make very many orders in a database to try things on"
    )
    upkeep.add_arguments_of_seeding(seeding)
    letters = _add(
        commands, "dead-letters", _dead_letters, "see messages that could not be handled, or put them back"
    )
    letters.add_argument("action", choices=["list", "redrive"])
    letters.add_argument("--limit", type=int, default=100, help="at most so many (default: 100)")
    shown = _add(commands, "settings", tell_settings, "print the settings that the service would go by here")
    add_arguments_of_settings(shown)
    _add(commands, "asyncapi", _asyncapi, "print the description of the Kafka side (AsyncAPI 3)")
    given = parser.parse_args(arguments)
    try:
        code: int = given.run(read_settings(), given)
    except (SettingsError, PostgresStartFailed, LogOfAnotherCluster, OrdersExist) as error:
        print(f"order-service: {error}", file=sys.stderr)
        return 2
    except DependencyUnavailable as error:
        print(f"order-service: {error}", file=sys.stderr)
        return 1
    except ProgrammingError as error:
        if "UndefinedTable" not in str(error.orig):
            raise
        print("order-service: The database has no schema yet: run `order-service migrate`.", file=sys.stderr)
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


def _relay(settings: Settings, given: argparse.Namespace) -> int:
    async def act(url: URL) -> None:
        engine = create_engine(url, pool_size=2, patience=None)  # a long log takes its time
        log = SqlEventLog(engine)
        try:
            if given.action == "rebase":
                _tell({"rebased": await log.rebase(CURSOR)})
            lag = await log.lag(CURSOR)
            _tell({"behind": lag.events, "oldest": lag.oldest})
        finally:
            await engine.dispose()

    with ready_database(settings) as url:
        asyncio.run(act(url))
    return 0


def _dead_letters(settings: Settings, given: argparse.Namespace) -> int:
    if settings.kafka is None:
        raise SettingsError("Set KAFKA_HOST or KAFKA_BOOTSTRAP_SERVERS; without them there are no dead letters.")

    async def act(container: AsyncContainer) -> None:
        listed = await (await container.get(ListDeadLetters))(limit=given.limit, by=SYSTEM)
        redrive = await container.get(RedriveLetter)
        for each in reversed(listed):
            letter = each.letter
            if given.action == "redrive":
                if each.is_redriven or letter.cut:
                    continue
                await redrive(letter.place.partition, letter.place.offset, by=SYSTEM)
            value = None if letter.value is None else letter.value.decode(errors="replace")
            place = f"{letter.topic}/{letter.partition}@{letter.offset}"
            _tell({"from": place, "cause": letter.cause, "detail": letter.detail, "cut": letter.cut, "value": value})

    return carry_out(act, settings)


def _asyncapi(settings: Settings, _: argparse.Namespace) -> int:
    print(msgspec.json.format(msgspec.json.encode(asyncapi(settings)), indent=2).decode())
    return 0


def _tell(fields: dict[str, object]) -> None:
    """A line of JSON, for people and scripts alike."""
    print(msgspec.json.encode(fields).decode())


if __name__ == "__main__":
    sys.exit(main())
