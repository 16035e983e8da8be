"""Which texts from outside are accepted: nothing invisible, nothing endless."""

import unicodedata
from collections.abc import Mapping

from order_service.domain.errors import InvalidField

_REFUSED_CATEGORIES = frozenset({"Cc", "Cs"})  # control characters (NUL among them), lone surrogates


def checked_text(field: str, value: str, *, longest: int, shortest: int = 1) -> str:
    """`value` itself. Raises InvalidField when it is too long, too short, or holds control characters."""
    if not shortest <= len(value) <= longest:
        raise InvalidField(field, f"must have {shortest} to {longest} characters, not {len(value)}.")
    # isprintable() settles the common case in C; only then is it worth looking at each character.
    if not value.isprintable() and any(unicodedata.category(c) in _REFUSED_CATEGORIES for c in value):
        raise InvalidField(field, "must not contain control characters.")
    return value


def checked_external_ref(external_ref: str | None) -> str | None:
    return None if external_ref is None else checked_text("external_ref", external_ref, longest=100)


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """A copy: at most 50 keys of 1 to 40 characters, values of up to 500."""
    if len(metadata) > 50:
        raise InvalidField("metadata", f"must have at most 50 keys, not {len(metadata)}.")
    return {
        checked_text("metadata", key, longest=40): checked_text("metadata", value, shortest=0, longest=500)
        for key, value in metadata.items()
    }
