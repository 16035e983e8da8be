from collections.abc import Sequence
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from order_service.domain.actor import SYSTEM
from order_service.domain.currencies import EXPONENTS, WITHOUT_MINOR_UNIT
from order_service.domain.errors import CurrencyUnknown, InvalidField, RefundExceedsCaptured
from order_service.domain.lifecycle import CancelReason, PaymentStatus
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money, exponent_of, sum_of
from order_service.domain.order import Order
from tests.builders import CANCEL_WINDOW, NOON, a_line_request, an_operator, an_order

ONE_OF_EACH_EXPONENT = {0: "JPY", 2: "EUR", 3: "KWD", 4: "CLF"}

amounts = st.builds(
    Money, st.integers(min_value=0, max_value=2**63 - 1), st.sampled_from(list(ONE_OF_EACH_EXPONENT.values()))
)


def euros(text: str) -> Money:
    return Money.parse(text, "EUR", field="amount")


def why_not(text: str, currency: str) -> str | None:
    try:
        Money.parse(text, currency, field="price")
    except InvalidField as refusal:
        return str(refusal)
    return None


# Currencies


def test_the_currencies_and_their_exponents_are_those_of_iso_4217() -> None:
    assert {currency.code: currency.exponent for currency in Currency if currency.exponent is not None} == EXPONENTS


def test_the_currencies_without_a_minor_unit_are_those_of_iso_4217() -> None:
    assert {currency.code for currency in Currency if currency.exponent is None} == WITHOUT_MINOR_UNIT


def test_nothing_can_be_priced_in_gold_or_in_a_test_code() -> None:
    for code in WITHOUT_MINOR_UNIT:
        with pytest.raises(CurrencyUnknown, match="no minor unit") as refusal:
            Money.parse("1", code, field="amount")
        assert refusal.value.details() == {"currency": code}


def test_a_code_outside_the_standard_is_refused() -> None:
    for code in ("", "eur", "EURO", "EU", "ZZZ", " EUR", "HRK", "978"):
        with pytest.raises(CurrencyUnknown, match="not a currency code") as refusal:
            exponent_of(code)
        assert refusal.value.currency == code


# Reading and writing


def test_an_amount_is_read_in_minor_units_and_written_with_all_its_decimals() -> None:
    table = [
        ("12.5", "EUR", 1250, "12.50"),
        ("12.50", "EUR", 1250, "12.50"),
        ("12", "EUR", 1200, "12.00"),
        ("0", "EUR", 0, "0.00"),
        ("0.01", "EUR", 1, "0.01"),
        ("007", "EUR", 700, "7.00"),
        ("12", "JPY", 12, "12"),
        ("0", "JPY", 0, "0"),
        ("12.5", "KWD", 12500, "12.500"),
        ("0.001", "KWD", 1, "0.001"),
        ("0.0001", "CLF", 1, "0.0001"),
        ("12.5", "CLF", 125000, "12.5000"),
        ("92233720368547758.07", "EUR", 2**63 - 1, "92233720368547758.07"),
        ("9223372036854775807", "JPY", 2**63 - 1, "9223372036854775807"),
        ("922337203685477.5807", "CLF", 2**63 - 1, "922337203685477.5807"),
    ]
    for text, currency, minor, written in table:
        money = Money.parse(text, currency, field="amount")
        assert (money.minor, money.currency, str(money)) == (minor, currency, written)


@given(amounts)
def test_what_is_written_reads_back_the_same(money: Money) -> None:
    assert Money.parse(str(money), money.currency, field="amount") == money
    whole, _, decimals = str(money).partition(".")
    assert ONE_OF_EACH_EXPONENT[len(decimals)] == money.currency
    assert int(whole + decimals) == money.minor


def test_an_interim_result_may_be_negative_and_is_written_with_its_sign() -> None:
    assert str(Money(-5, "EUR")) == "-0.05"
    assert str(Money(-1250, "KWD")) == "-1.250"
    assert str(Money(-5, "JPY")) == "-5"


def test_what_is_not_a_plain_decimal_is_refused() -> None:
    texts = [
        "", " ", " 1", "1 ", "1\n", ".5", "1.", "1..5", "1,50", "-1", "-0", "+1", "1e3", "1E3", "1_000", "0x10",
        "\u0661\u0662", "\uff11\uff12", "12.\u0665", "\u00b2", "NaN", "nan", "Infinity", "inf", "EUR 1", "1 EUR",
        "1.00000", "1" * 20, "0" * 20, "9" * 400,
    ]  # fmt: skip
    assert {text: why_not(text, "EUR") for text in texts} == dict.fromkeys(
        texts, "price must be an amount such as '12.50', not negative."
    )
    assert why_not("x", "JPY") == "price must be an amount such as '12', not negative."
    assert why_not("x", "KWD") == "price must be an amount such as '12.500', not negative."


def test_an_amount_is_never_rounded() -> None:
    assert why_not("1.001", "EUR") == "price has more decimals than EUR has (2)."
    assert why_not("0.0001", "EUR") == "price has more decimals than EUR has (2)."
    assert why_not("92233720368547758.071", "EUR") == "price has more decimals than EUR has (2)."
    assert why_not("1.5", "JPY") == "price has more decimals than JPY has (0)."
    assert why_not("1.0005", "KWD") == "price has more decimals than KWD has (3)."


def test_an_amount_over_63_bits_is_refused() -> None:
    assert why_not("92233720368547758.08", "EUR") == "price is over the largest amount, 92233720368547758.07."
    assert why_not("9223372036854775808", "JPY") == "price is over the largest amount, 9223372036854775807."
    assert why_not("9" * 19, "JPY") == "price is over the largest amount, 9223372036854775807."
    assert why_not("922337203685477.5808", "CLF") == "price is over the largest amount, 922337203685477.5807."
    assert why_not("9" * 19 + ".9999", "CLF") == "price is over the largest amount, 922337203685477.5807."


def test_a_refusal_names_the_field_that_the_caller_named() -> None:
    with pytest.raises(InvalidField) as refusal:
        Money.parse("?", "EUR", field="lines[2].unit_price")
    assert refusal.value.field == "lines[2].unit_price"


def test_a_result_outside_63_bits_is_found_on_either_side() -> None:
    for minor in (2**63, -(2**63)):
        with pytest.raises(InvalidField, match=r"^lines is over the largest amount, 92233720368547758\.07\.$"):
            Money(minor, "EUR").within_range("lines")


def test_a_result_inside_63_bits_stays_as_it_is() -> None:
    for minor in (2**63 - 1, 1 - 2**63, 0):
        assert Money(minor, "EUR").within_range("lines") == Money(minor, "EUR")


# Arithmetic


def test_money_adds_subtracts_multiplies_and_compares_exactly() -> None:
    assert euros("0.10") + euros("0.20") == euros("0.30")
    assert euros("0.10") - euros("0.20") == Money(-10, "EUR")
    assert euros("19.99") * 3 == euros("59.97")
    assert euros("2") < euros("10")
    assert sum_of([euros("0.10")] * 10, "EUR") == euros("1")
    assert sum_of([], "EUR") == Money.zero("EUR") == euros("0")


def test_only_no_money_is_false() -> None:
    assert not Money.zero("EUR")
    assert euros("0.01")
    assert Money(-1, "EUR")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot combine EUR with USD"):
        euros("1") + Money(100, "USD")
    with pytest.raises(ValueError, match="cannot combine EUR with USD"):
        euros("1") - Money(100, "USD")
    assert euros("1") != Money(100, "USD")


# What an order makes of it, in every currency

carts = st.lists(
    st.tuples(st.integers(min_value=1, max_value=50), st.integers(min_value=0, max_value=10**12)),
    min_size=1,
    max_size=4,
)
weights = st.lists(st.integers(min_value=1, max_value=2000), min_size=1, max_size=4)


def in_parts(amount: Money, weights: Sequence[int]) -> list[Money]:
    """`amount`, in parts that weigh about as much as that; none is nothing."""
    parts = [amount.minor * weight // sum(weights) for weight in weights[1:]]
    return [Money(part, amount.currency) for part in (*parts, amount.minor - sum(parts)) if part]


def pay(order: Order, amount: Money) -> None:
    order.record_payment(payment_id=str(uuid4()), amount=amount, method="CARD", by=SYSTEM, at=NOON)


def refund(order: Order, amount: Money) -> None:
    order.record_refund(refund_id=str(uuid4()), amount=amount, reason="", by=SYSTEM, at=NOON)


def an_order_of(cart: Sequence[tuple[int, Decimal]], currency: str) -> Order:
    lines = [a_line_request(quantity=quantity, unit_price=f"{price:f}") for quantity, price in cart]
    return an_order(currency=currency, lines=lines)


def check_that_the_money_adds_up(
    cart: Sequence[tuple[int, int]], paid: Sequence[int], refunded: Sequence[int], currency: str
) -> None:
    """Priced, paid in parts, sent, half of each line returned, the rest refunded out of goodwill."""
    one = Decimal(1).scaleb(-(Currency(currency).exponent or 0))
    prices = [(quantity, minor * one) for quantity, minor in cart]
    total = sum((quantity * price for quantity, price in prices), start=0 * one)
    order = an_order_of(prices, currency)
    assert str(order.total) == str(order.open_amount) == f"{total:f}"

    payments = in_parts(order.total, paid)
    for payment in payments:
        pay(order, payment)
        assert order.captured + order.open_amount == order.total
    assert sum(Decimal(str(payment)) for payment in payments) == Decimal(str(order.captured)) == total
    pay(order, Money(1, currency))
    assert Decimal(str(order.refund_due)) == one

    order.ship(shipment_id="parcel-1", by=SYSTEM, at=NOON)
    half = [LineQuantity(line.line_id, line.quantity - line.quantity // 2) for line in order.lines]
    order.request_return(return_id="return-1", lines=half, reason="", by=an_operator(), at=NOON)
    order.receive_return("return-1", by=SYSTEM, at=NOON)
    back = sum((entry.quantity * price for entry, (_, price) in zip(half, prices, strict=True)), start=0 * one)
    assert str(order.refund_due) == f"{back + one:f}"
    for part in in_parts(order.refund_due, refunded):
        before = order.refund_due
        refund(order, part)
        assert order.refund_due + part == before
    assert str(order.refunded) == f"{back + one:f}"
    assert not order.refund_due

    for part in in_parts(order.captured - order.refunded, refunded):
        refund(order, part)
        assert not order.refund_due
    assert order.refunded == order.captured
    assert order.payment_status is PaymentStatus.REFUNDED
    with pytest.raises(RefundExceedsCaptured):
        refund(order, Money(1, currency))


@pytest.mark.parametrize("currency", ONE_OF_EACH_EXPONENT.values())
@given(cart=carts, paid=weights, refunded=weights)
def test_payments_returns_and_refunds_always_add_up(
    cart: Sequence[tuple[int, int]], paid: Sequence[int], refunded: Sequence[int], currency: str
) -> None:
    check_that_the_money_adds_up(cart, paid, refunded, currency)


def test_payments_returns_and_refunds_add_up_in_every_currency() -> None:
    for currency in EXPONENTS:
        check_that_the_money_adds_up([(3, 3333), (1, 1), (2, 0)], [1, 1, 1], [2, 1], currency)


@pytest.mark.parametrize("currency", ONE_OF_EACH_EXPONENT.values())
@given(cart=carts, paid=weights, refunded=weights, late=st.booleans())
def test_a_canceled_order_is_refunded_with_exactly_what_came_in(
    cart: Sequence[tuple[int, int]], paid: Sequence[int], refunded: Sequence[int], late: bool, currency: str
) -> None:
    one = Decimal(1).scaleb(-(Currency(currency).exponent or 0))
    order = an_order_of([(quantity, minor * one) for quantity, minor in cart], currency)
    first, *rest = in_parts(order.total + Money(1, currency), paid)
    pay(order, first)
    order.cancel(reason=CancelReason.OTHER, window=CANCEL_WINDOW, by=an_operator(), at=NOON)
    for payment in rest if late else ():
        pay(order, payment)
    assert order.refund_due == order.captured == sum_of([first, *(rest if late else ())], currency)
    for part in in_parts(order.captured, refunded):
        refund(order, part)
        assert order.captured == order.refunded + order.refund_due
    assert order.refunded == order.captured
    assert not order.refund_due
