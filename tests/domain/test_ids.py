import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.domain.ids import ORDER_NUMBER_BITS, order_number, read_order_number

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

numbers = st.builds(order_number, st.integers(min_value=0, max_value=2**ORDER_NUMBER_BITS - 1))


def with_hyphens(symbols: str) -> str:
    return f"{symbols[:4]}-{symbols[4:8]}-{symbols[8:]}"


@given(numbers)
def test_an_order_number_reads_back_as_itself(number: str) -> None:
    assert re.fullmatch(rf"[{SYMBOLS}]{{4}}-[{SYMBOLS}]{{4}}-[{SYMBOLS}]{{4}}", number)
    assert read_order_number(number) == number


@pytest.mark.parametrize(
    ("bits", "number"),
    [
        (0, "0000-0000-0000"),
        (1, "0000-0000-0011"),
        (31, "0000-0000-00ZZ"),
        (32, "0000-0000-0150"),  # 32 to 36 would be checked by punctuation, so 37 takes their place
        (36, "0000-0000-0150"),
        (37, "0000-0000-0150"),
        (38, "0000-0000-0161"),
        (2**ORDER_NUMBER_BITS - 4, "ZZZZ-ZZZZ-ZZWZ"),
        (2**ORDER_NUMBER_BITS - 1, "0000-0000-0000"),  # after the last number comes the first
        (2**ORDER_NUMBER_BITS + 1, "0000-0000-0011"),
    ],
)
def test_an_order_number_is_base32_with_the_remainder_by_37_as_its_check(bits: int, number: str) -> None:
    assert order_number(bits) == number


@given(st.integers(min_value=0, max_value=2**ORDER_NUMBER_BITS - 1), st.integers(min_value=40, max_value=2**40))
def test_other_randomness_gives_another_number(bits: int, further: int) -> None:
    assert order_number(bits) != order_number(bits + further)


@given(numbers)
def test_the_check_symbol_catches_every_wrong_symbol(number: str) -> None:
    symbols = number.replace("-", "")
    for place, right in enumerate(symbols):
        for wrong in SYMBOLS.replace(right, ""):
            assert read_order_number(symbols[:place] + wrong + symbols[place + 1 :]) is None


@given(numbers)
def test_the_check_symbol_catches_every_two_neighbors_swapped(number: str) -> None:
    symbols = number.replace("-", "")
    for place in range(len(symbols) - 1):
        first, second = symbols[place], symbols[place + 1]
        if first != second:
            assert read_order_number(symbols[:place] + second + first + symbols[place + 2 :]) is None


def test_what_people_type_is_understood() -> None:
    typed = [
        "0000-0000-0161", "000000000161", "0000 0000 0161", "-0000000001-61 ",
        "oooo-OOOO-o161", "0000-0000-0I6i", "0000-0000-0L6l",
    ]  # fmt: skip
    assert {text: read_order_number(text) for text in typed} == dict.fromkeys(typed, "0000-0000-0161")


def test_case_does_not_matter() -> None:
    assert read_order_number("zzzz-zzzz-zzwz") == "ZZZZ-ZZZZ-ZZWZ"


def test_what_cannot_be_a_number_of_ours_is_not_one() -> None:
    typed = [
        "", "-", "0000-0000-016", "0000-0000-01610", "0000-0000-0160", "0000-0000-01U1", "0000-0000-01*1",
        "0000_0000_0161", "\u0660000-0000-0161", "0000-0000-010*", "0000-0000-0100",
    ]  # fmt: skip
    assert [text for text in typed if read_order_number(text)] == []
