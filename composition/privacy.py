"""Personal data on behalf of somebody who asked by mail."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from dishka import AsyncContainer

from adapters.http.privacy import written
from composition.container import Resources, make_container
from composition.database import ready_database
from composition.settings import Settings
from order_service.domain.errors import OrderServiceError
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.export_account import ExportAccount


def add_arguments_of_export(command: argparse.ArgumentParser) -> None:
    command.epilog = "The same document that the holder of the account gets from GET /api/v1/accounts/me/export."
    command.add_argument("email", help="the account's address")


def export_account(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        found = await (await container.get(ExportAccount)).by_email(given.email)
        async for piece in written(found):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

    return _with_container(settings, act)


def add_arguments_of_erasure(command: argparse.ArgumentParser) -> None:
    command.epilog = "There is no way back. Asks before, unless --yes is given; orders stay in the books."
    command.add_argument("email", help="the account's address")
    command.add_argument("--yes", action="store_true", help="do not ask")


def erase_account(settings: Settings, given: argparse.Namespace) -> int:
    if not given.yes and input("For good? Then type the address again: ") != given.email:
        print("order-service: Nothing was erased.", file=sys.stderr)
        return 2

    async def act(container: AsyncContainer) -> None:
        redacted = await (await container.get(EraseAccount)).by_email(given.email)
        print(f"The account is erased. Orders that stay in the books, without personal data: {redacted}.")

    return _with_container(settings, act)


def _with_container(settings: Settings, act: Callable[[AsyncContainer], Awaitable[None]]) -> int:
    async def run(resources: Resources) -> None:
        container = make_container(settings, resources)
        try:
            await act(container)
        finally:
            await container.close()

    with ready_database(settings) as url:
        try:
            asyncio.run(run(Resources(database=url, secret_key="")))  # no token is made here
        except OrderServiceError as error:
            print(f"order-service: {error}", file=sys.stderr)
            return 1
    return 0
