"""The keys of access tokens, from the settings."""

from pathlib import Path

from adapters.security.keys import KeyRefused, TokenKey, TokenKeys
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
