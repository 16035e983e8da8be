"""Personal data on behalf of somebody who asked by mail."""

import argparse
import sys

from dishka import AsyncContainer

from composition.commands.command import WRONG_USE, Commands, add_json, carry_out, complain, tell
from composition.settings import Settings
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.export_account import ExportAccount


def add_commands(commands: Commands) -> None:
    export = commands.add(
        "export-account",
        export_account,
        "print all that is kept of somebody, as JSON",
        about="One JSON document, the same that the holder of the account gets from GET /api/v1/accounts/me/export.",
    )
    export.add_argument("email", help="the account's address")
    erasure = commands.add(
        "erase-account",
        erase_account,
        "erase an account for good",
        about="""There is no way back. Asks before, unless --yes is given. Orders stay in the books, without
        personal data; prints how many.""",
    )
    erasure.add_argument("email", help="the account's address")
    erasure.add_argument("--yes", action="store_true", help="do not ask")
    add_json(erasure)


def export_account(settings: Settings, given: argparse.Namespace) -> int:
    from adapters.http.privacy import written  # noqa: PLC0415 - dear, and no other command needs HTTP

    async def act(container: AsyncContainer) -> None:
        found = await (await container.get(ExportAccount)).by_email(given.email)
        async for piece in written(found):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

    return carry_out(act, settings)


def erase_account(settings: Settings, given: argparse.Namespace) -> int:
    if not given.yes and _typed() != given.email:
        complain("Nothing was erased. Type the same address, or give --yes.")
        return WRONG_USE

    async def act(container: AsyncContainer) -> None:
        redacted = await (await container.get(EraseAccount)).by_email(given.email)
        if given.json:
            tell({"erased": given.email, "orders_redacted": redacted})
        else:
            print(f"The account is erased. Orders that stay in the books, without personal data: {redacted}.")

    return carry_out(act, settings)


def _typed() -> str:
    print("For good? Then type the address again: ", end="", file=sys.stderr, flush=True)
    try:
        return input()
    except EOFError:  # nobody is there
        print(file=sys.stderr)
        return ""
