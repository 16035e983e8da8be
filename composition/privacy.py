"""Personal data on behalf of somebody who asked by mail."""

import argparse
import sys

from dishka import AsyncContainer

from adapters.http.privacy import written
from composition.commands import carry_out
from composition.settings import Settings
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

    return carry_out(act, settings)


def add_arguments_of_erasure(command: argparse.ArgumentParser) -> None:
    command.epilog = "There is no way back. Asks before, unless --yes is given; orders stay in the books."
    command.add_argument("email", help="the account's address")
    command.add_argument("--yes", action="store_true", help="do not ask")


def erase_account(settings: Settings, given: argparse.Namespace) -> int:
    if not given.yes and _typed() != given.email:
        print("order-service: Nothing was erased. Type the same address, or give --yes.", file=sys.stderr)
        return 2

    async def act(container: AsyncContainer) -> None:
        redacted = await (await container.get(EraseAccount)).by_email(given.email)
        print(f"The account is erased. Orders that stay in the books, without personal data: {redacted}.")

    return carry_out(act, settings)


def _typed() -> str:
    try:
        return input("For good? Then type the address again: ")
    except EOFError:  # nobody is there
        return ""
