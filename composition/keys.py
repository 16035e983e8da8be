"""The keys of access tokens, from the settings; and the command that makes one."""

import argparse
import os
from pathlib import Path

from adapters.security.keys import KeyRefused, TokenKey, TokenKeys, new_private_key
from composition.secret import require_unguessable
from composition.settings import Settings, SettingsError


def token_keys(settings: Settings, secret_key: str) -> TokenKeys:
    """SIGNING_KEY_FILES, of which the first signs; without them `secret_key` does. FORMER_SECRET_KEYS verify only.

    Raises SettingsError for a file that cannot be read, or has no key that is safe to sign tokens with.
    """
    for former in settings.former_secrets:
        require_unguessable("FORMER_SECRET_KEYS", former)
    former_keys = [TokenKey.secret(secret) for secret in settings.former_secrets]
    if not settings.signing_keys:
        return TokenKeys([TokenKey.secret(secret_key), *former_keys])
    keys = [_from_file(path) for path in settings.signing_keys]
    if keys[0].signing is None:
        raise SettingsError(
            f"SIGNING_KEY_FILES: {settings.signing_keys[0]} has a public key, but the first file must have a private "
            "one, to sign with."
        )
    return TokenKeys([*keys, *former_keys])


def _from_file(path: Path) -> TokenKey:
    try:
        return TokenKey.from_pem(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"SIGNING_KEY_FILES: {path} cannot be read: {error.strerror}.") from None
    except KeyRefused as refused:
        raise SettingsError(
            f"SIGNING_KEY_FILES: {path} {refused} Make one with: order-service create-signing-key FILE"
        ) from None


def add_arguments_of_create_signing_key(command: argparse.ArgumentParser) -> None:
    command.epilog = "Name it first in SIGNING_KEY_FILES, and keep the former one behind it until its tokens expire."
    command.add_argument("file", type=Path, help="where to write it; it must not be there yet")
    command.add_argument("--algorithm", choices=["ed25519", "es256"], default="ed25519", help="(default: ed25519)")


def create_signing_key(_: Settings, given: argparse.Namespace) -> int:
    pem = new_private_key(given.algorithm)
    try:
        with os.fdopen(os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise SettingsError(f"{given.file} cannot be written: {error.strerror}.") from None
    print(f"{given.file} has a new private key with the id {TokenKey.from_pem(pem).kid}. Keep it secret.")
    return 0
