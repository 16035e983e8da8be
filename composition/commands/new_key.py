"""The command that makes a key of access tokens."""

import argparse
import os
from pathlib import Path

from adapters.security.keys import TokenKey, new_private_key
from composition.commands.command import DONE, Commands
from composition.settings import Settings, SettingsError


def add_commands(commands: Commands) -> None:
    command = commands.add(
        "create-signing-key",
        create_signing_key,
        "make a private key that signs access tokens",
        about="""Writes it to FILE, and prints its id. Name it first in SIGNING_KEY_FILES, and keep the former one
        behind it until its tokens expire.""",
        exit_codes="Exit codes: 0 done; 2 wrong use, or FILE cannot be written.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="where to write it; it must not be there yet")
    command.add_argument("--algorithm", choices=["ed25519", "es256"], default="ed25519", help="(default: ed25519)")


def create_signing_key(_: Settings, given: argparse.Namespace) -> int:
    pem = new_private_key(given.algorithm)
    try:
        with os.fdopen(os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise SettingsError(f"{given.file} cannot be written: {error.strerror}.") from None
    print(f"{given.file} has a new private key with the id {TokenKey.from_pem(pem).kid}. Keep it secret.")
    return DONE
