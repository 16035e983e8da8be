"""Which passwords are taken, and when two of them are the same."""

import unicodedata
from collections.abc import Callable

from order_service.domain.errors import InvalidField

SHORTEST, LONGEST = 8, 1024

_MOST_BYTES = 4 * LONGEST
"""In UTF-8, as typed: no endless text is normalized or hashed."""

_MOST_MARKS = 30
"""Combining marks in a row (stream-safe text, UAX 15): to put thousands in order would hold everybody up."""


def checked_password(password: str, *, email: str, is_common: Callable[[str], bool], field: str = "password") -> str:
    """The password as it is to be hashed (see `prepared`). Raises InvalidField, which never repeats it.

    8 to 1,024 characters, whatever they are: control characters too, for a hash takes every byte, and to refuse
    them would protect nobody. `is_common` is asked about its `comparable` form.
    """
    if not _is_bounded(password):
        raise InvalidField(field, f"must be readable text of at most {_MOST_BYTES} bytes in UTF-8.")
    password = prepared(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidField(field, f"must have {SHORTEST} to {LONGEST} characters, not {len(password)}.")
    known = comparable(password)
    if is_common(known):
        raise InvalidField(field, "is one of the most common passwords; choose another.")
    if known in {comparable(email), comparable(email.partition("@")[0])}:
        raise InvalidField(field, "must not be the e-mail address, or what stands before its @; choose another.")
    return password


def spellings(password: str) -> tuple[str, ...]:
    """The ways in which a password that was typed like this may have been hashed; none, if nobody can have it.

    Until passwords were `prepared` they were hashed as typed.
    """
    if not _is_bounded(password):
        return ()
    return tuple(dict.fromkeys((prepared(password), password)))


def prepared(password: str) -> str:
    """The same text on every machine: OpaqueString of RFC 8265, in NFC and with plain spaces.

    A Mac may send `ä` as two characters where Windows sends one, which NFC makes one again. NFKC, which NIST has in
    mind, would also make `²` a 2, and so passwords the same that nobody takes for the same. ASCII stays as it is.
    """
    if password.isascii():
        return password
    plain = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", plain)


def comparable(password: str) -> str:
    """The same for passwords that whoever guesses takes for the same: whatever their case, width or style."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", password).casefold())


def _is_bounded(password: str) -> bool:
    if len(password) > _MOST_BYTES:
        return False
    try:
        if len(password.encode()) > _MOST_BYTES:
            return False
    except UnicodeEncodeError:  # half a character, such as a terminal gives for bytes that are no UTF-8
        return False
    marks = 0
    for character in password:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MOST_MARKS:
            return False
    return True
