import unicodedata

import pytest

from order_service.domain.errors import InvalidField
from order_service.domain.passwords import checked_password, comparable, prepared, spellings

COMMON = {"password123", "pässword", "groß und klein"}


def checked(password: str, email: str = "ann.lee@example.com") -> str:
    return checked_password(password, email=email, is_common={comparable(one) for one in COMMON}.__contains__)


def refusal_of(password: str, email: str = "ann.lee@example.com") -> str:
    with pytest.raises(InvalidField) as refusal:
        checked(password, email)
    assert refusal.value.field == "password"
    assert not password or password not in refusal.value.reason
    return refusal.value.reason


@pytest.mark.parametrize("password", ["87654321", " " * 8, "\0" * 8, "\x1b[31m\x7f\n\t", "ä" * 1024, "🔑" * 1024])
def test_a_password_may_be_anything_of_8_to_1024_characters(password: str) -> None:
    assert checked(password) == password


@pytest.mark.parametrize("password", ["", "s3cret!", "s3cret!!" * 128 + "x", "x" * 4096])
def test_a_password_too_short_or_too_long_is_refused_and_never_repeated(password: str) -> None:
    assert refusal_of(password) == f"must have 8 to 1024 characters, not {len(password)}."


def test_characters_are_counted_as_people_see_them_however_they_came() -> None:
    seven, thousand = unicodedata.normalize("NFD", "ä" * 7), unicodedata.normalize("NFD", "ä" * 1024)
    assert refusal_of(seven) == "must have 8 to 1024 characters, not 7."
    assert checked(thousand) == "ä" * 1024


@pytest.mark.parametrize(
    "password",
    ["x" * 4097, "ä" * 2049, "x" * 1_000_000, "half \ud83d a character", "a" + "\u0301" * 31 + "bcdefgh"],
    ids=["bytes", "bytes of characters", "a million", "a lone surrogate", "marks"],
)
def test_what_is_endless_or_no_text_is_refused_before_anybody_works_on_it(password: str) -> None:
    assert refusal_of(password) == "must be readable text of at most 4096 bytes in UTF-8."
    assert spellings(password) == ()


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "PassWord123",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11\uff12\uff13",  # wide
        "\U0001d429\U0001d41a\U0001d42c\U0001d42c\U0001d430\U0001d428\U0001d42b\U0001d41d123",  # bold
        "pa\u0308ssword",
        "GROSS UND KLEIN",
    ],
)
def test_a_common_password_is_refused_whatever_it_looks_like(password: str) -> None:
    assert refusal_of(password) == "is one of the most common passwords; choose another."


def test_a_password_that_only_begins_like_a_common_one_is_taken() -> None:
    assert checked("password1234") == "password1234"


@pytest.mark.parametrize(
    ("password", "email"),
    [
        ("Ann.Lee@example.com", "ann.lee@example.com"),
        ("ANNABELLE", "annabelle@example.com"),
        ("jörgensen", "jörgensen@example.com"),
    ],
)
def test_ones_own_address_is_no_password(password: str, email: str) -> None:
    assert refusal_of(password, email) == (
        "must not be the e-mail address, or what stands before its @; choose another."
    )
    assert checked(password, "bob@example.com") == password


def test_a_password_is_the_same_on_every_machine() -> None:
    on_windows, on_a_mac = "pässwörter", unicodedata.normalize("NFD", "pässwörter")
    assert on_windows != on_a_mac
    assert checked(on_windows) == checked(on_a_mac) == on_windows
    assert prepared("one\u00a0two\u3000three") == "one two three"
    assert prepared("x² ﬁ Ⅳ") == "x² ﬁ Ⅳ"
    assert prepared("Plain ASCII \0\t ~") == "Plain ASCII \0\t ~"


def test_a_password_may_have_been_hashed_as_it_was_typed() -> None:
    on_a_mac = unicodedata.normalize("NFD", "pässwörter")
    assert spellings(on_a_mac) == ("pässwörter", on_a_mac)
    assert spellings("pässwörter") == ("pässwörter",)
    assert spellings("correct horse") == ("correct horse",)
    assert spellings("") == ("",)
