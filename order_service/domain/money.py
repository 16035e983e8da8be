"""Amounts of money: whole minor units of an ISO 4217 currency, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from order_service.domain.currencies import EXPONENTS, WITHOUT_MINOR_UNIT
from order_service.domain.errors import CurrencyUnknown, InvalidField

LARGEST_MINOR = 2**63 - 1

_AMOUNT = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,4})?", re.ASCII)


def exponent_of(currency: str) -> int:
    """The number of decimals of `currency`, from ISO 4217.

    Raises CurrencyUnknown for a code that is not in the standard, or has no minor unit there (gold, test codes).
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        reason = (
            "has no minor unit in ISO 4217, so nothing can be priced in it."
            if currency in WITHOUT_MINOR_UNIT
            else "is not a currency code of ISO 4217. Use one such as EUR, USD or JPY."
        )
        raise CurrencyUnknown(currency, reason) from None


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents for EUR, yen for JPY) of `currency`; negative only as an interim result."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str, *, field: str) -> Self:
        """Reads a decimal such as `12.5`; the amount must be exact in the currency, nothing is rounded.

        Raises InvalidField naming `field`, or CurrencyUnknown.
        """
        exponent = exponent_of(currency)
        if not _AMOUNT.fullmatch(text):
            raise InvalidField(field, f"must be an amount such as {_example(exponent)!r}, not negative.")
        minor = Decimal(text).scaleb(exponent)
        if minor != int(minor):
            raise InvalidField(field, f"has more decimals than {currency} has ({exponent}).")
        return cls(int(minor), currency).within_range(field)

    def within_range(self, field: str) -> Self:
        """Itself, if it fits a signed 64-bit integer; else raises InvalidField."""
        if abs(self.minor) > LARGEST_MINOR:
            raise InvalidField(field, f"is over the largest amount, {Money(LARGEST_MINOR, self.currency)}.")
        return self

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same_currency(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same_currency(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same_currency(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same_currency(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same_currency(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        """The amount alone, as on the wire: `12.50` for EUR, `12` for JPY, `12.500` for KWD."""
        exponent = exponent_of(self.currency)
        if exponent == 0:
            return str(self.minor)
        sign, digits = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(exponent + 1, "0")
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")
        return other.minor


def sum_of(amounts: "list[Money]", currency: str) -> Money:
    return Money(sum([amount.minor for amount in amounts]), currency)


def _example(exponent: int) -> str:
    return str(Decimal("12.5").quantize(Decimal(1).scaleb(-exponent))) if exponent else "12"
