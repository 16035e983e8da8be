"""The promises of `CommonPasswords`, and that the list is the one that we mean."""

from pathlib import Path

import pytest

from adapters.security import common_passwords
from adapters.security.common_passwords import ListedPasswords, lines_of
from order_service.domain.passwords import SHORTEST, comparable
from order_service.ports import CommonPasswords
from tests.in_memory.security import FewPasswords

LIST = Path(common_passwords.__file__).parent / "common_password_list"


@pytest.fixture(params=[FewPasswords, ListedPasswords])
def common(request: pytest.FixtureRequest) -> CommonPasswords:
    made: CommonPasswords = request.param()
    return made


def test_what_everybody_has_is_common_and_a_sentence_is_not(common: CommonPasswords) -> None:
    assert common.has(comparable("Password123"))
    for rare in ("correct horse battery", "purple tin roof", "", "password123\n"):
        assert not common.has(comparable(rare))


def test_the_list_is_long_and_every_line_can_be_met() -> None:
    lines = (LIST / "passwords.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 10_000
    assert lines == sorted(set(lines))
    assert [line for line in lines if comparable(line) != line or len(line) < SHORTEST] == []
    listed = ListedPasswords()
    assert all(listed.has(password) for password in ("12345678", "qwertyuiop", "iloveyou1", "letmein123"))


def test_a_list_is_made_of_what_is_worth_refusing() -> None:
    assert lines_of(["Password", "secret", "PASSWORD", "\uff51werty12"]) == ["password", "qwerty12"]


def test_the_list_says_where_it_is_from() -> None:
    assert "zxcvbn-ts" in (LIST / "NOTICE").read_text()
    assert "Permission is hereby granted" in (LIST / "LICENSE").read_text()
