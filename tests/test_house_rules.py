"""Each rule of `house_rules.py` finds what was planted, and leaves alone what is right."""

import pytest

from tests.house_rules import RULES, broken

PLANTED = {
    'text(f"SELECT {name}")': "sql_of_pieces",
    'sa.text("SELECT " + name)': "sql_of_pieces",
    'text("SELECT %s" % name)': "sql_of_pieces",
    'text("SELECT {}".format(name))': "sql_of_pieces",
    "jwt.decode(token, key)": "jwt_of_any_algorithm",
    'jwt.decode(token, key, algorithms=["HS256"], options={"verify_signature": False})': "jwt_of_any_algorithm",
    '_log.info("%s logs in", command.email)': "secret_in_log",
    'logging.warning("refused", extra={"why": refresh_token})': "secret_in_log",
    '_log.info(f"with {request.body}")': "secret_in_log",
    "try:\n    go()\nexcept Exception:\n    pass": "silence",
    "try:\n    go()\nexcept (OSError, BaseException):\n    pass": "silence",
    "try:\n    go()\nexcept:\n    pass": "silence",
    "with suppress(Exception):\n    go()": "silence",
}
RIGHT = [
    'text("SELECT :name")',
    'jwt.decode(token, key, algorithms=["HS256"])',
    '_log.info("%d orders", count)',
    "try:\n    go()\nexcept OSError:\n    pass",
    "with suppress(OSError):\n    go()",
    "text(SELECT + COLUMNS)  # house: both are constants of this file",
]


@pytest.mark.parametrize(("source", "rule"), PLANTED.items())
def test_what_is_planted_is_found(source: str, rule: str) -> None:
    assert [name for _, name in broken(source)] == [rule]


@pytest.mark.parametrize("source", RIGHT)
def test_what_is_right_is_left_alone(source: str) -> None:
    assert list(broken(source)) == []


def test_every_rule_has_something_planted() -> None:
    assert set(PLANTED.values()) == {rule.__name__ for rule in RULES}
