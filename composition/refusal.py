"""Why a process does not start."""


class SettingsError(Exception):
    """A setting is missing or cannot be right; the message names it and says how to mend it."""


class Unreachable(SettingsError):
    """What a setting names does not answer: the setting may be right, and the server away."""


def cannot_listen(host: str, port: int, error: OSError, *, names: str) -> SettingsError:
    """`names`: of the settings that say where."""
    return SettingsError(
        f"Cannot listen on {host}:{port}: {error.strerror}. Stop what runs there, or set {names} to something else."
    )
