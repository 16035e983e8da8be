"""The key that tokens and cursors are signed with."""

import os
import re
import secrets
import zlib
from contextlib import suppress
from tempfile import NamedTemporaryFile

from composition.settings import Settings, SettingsError

_SHORTEST = 32
_PLACEHOLDERS = re.compile(
    r"super.?secret|change.?(me|this|it)|your.?secret|replace.?(me|this)|placeholder|insecure", re.IGNORECASE
)


def secret_key(settings: Settings) -> str:
    """SECRET_KEY; where none is set and the database is the embedded one, a random key that is made once and kept.

    Raises SettingsError for a key that could be guessed, or where several processes need the same one.
    """
    if settings.secret_key is None:
        if settings.postgres_url is not None:
            raise SettingsError(f"SECRET_KEY is not set. {_HOW_TO_MAKE_ONE}")
        return _kept_key(settings)
    require_unguessable("SECRET_KEY", settings.secret_key)
    return settings.secret_key


def require_unguessable(setting: str, secret: str) -> None:
    """Raises SettingsError."""
    if len(secret) < _SHORTEST:
        raise SettingsError(f"{setting} has less than {_SHORTEST} characters. {_HOW_TO_MAKE_ONE}")
    if _PLACEHOLDERS.search(secret):
        raise SettingsError(f"{setting} is a placeholder that everybody knows. {_HOW_TO_MAKE_ONE}")
    if len(zlib.compress(secret.encode())) < _SHORTEST:
        raise SettingsError(f"{setting} repeats itself, and could be guessed. {_HOW_TO_MAKE_ONE}")


_HOW_TO_MAKE_ONE = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


def _kept_key(settings: Settings) -> str:
    var = settings.var
    path = var / "secret_key"
    with NamedTemporaryFile("w", dir=var, prefix="secret_key.") as file:  # made with mode 0600
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):  # made before, or by another process just now
            os.link(file.name, path)
    kept = path.read_text()
    require_unguessable(str(path), kept)  # it may have been cut short, by a full disk or by somebody
    return kept
