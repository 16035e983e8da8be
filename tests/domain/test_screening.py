from datetime import timedelta

import pytest

from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.screening import (
    POLICIES,
    CustomerHistory,
    ScreeningLimits,
    quantity_over_limit,
    same_lines_again,
    screen,
    too_many_orders,
    value_over_limit,
)
from tests.builders import a_line_request, an_order

NO_LIMITS = ScreeningLimits()
QUIET = CustomerHistory()


def an_order_of(*quantities: int, unit_price: str = "10", currency: str = "EUR") -> Order:
    return an_order(
        currency=currency,
        lines=[a_line_request(quantity=quantity, unit_price=unit_price) for quantity in quantities],
    )


def test_the_policies_are_all_listed_and_each_says_why() -> None:
    assert list(POLICIES) == [value_over_limit, quantity_over_limit, too_many_orders, same_lines_again]
    assert all(policy.__doc__ for policy in POLICIES)


def test_without_limits_every_order_is_welcome() -> None:
    busy = CustomerHistory(orders_in_last_hour=1000, same_lines_in_window=True)
    assert screen(an_order_of(1_000_000, unit_price="1000000"), busy, NO_LIMITS) == ()


@pytest.mark.parametrize(
    ("currency", "unit_price", "limit", "refused"),
    [
        ("EUR", "100", "100", False),
        ("EUR", "100.01", "100", True),
        ("EUR", "100.01", "100.01", False),
        ("JPY", "100", "100", False),
        ("JPY", "101", "100", True),
        ("KWD", "100.001", "100", True),
        ("EUR", "0.01", "0", True),
        ("EUR", "0", "0", False),
    ],
)
def test_an_order_may_cost_as_much_as_the_limit_of_its_currency(
    currency: str, unit_price: str, limit: str, refused: bool
) -> None:
    order = an_order_of(1, unit_price=unit_price, currency=currency)
    found = value_over_limit(
        order, QUIET, ScreeningLimits(largest_total={currency: Money.parse(limit, currency, field="limit")})
    )
    assert (found is not None) is refused


def test_what_counts_is_the_total_of_all_lines_and_the_finding_names_both_amounts() -> None:
    limits = ScreeningLimits(largest_total={"EUR": Money(100_00, "EUR")})
    found = value_over_limit(an_order_of(2, 3, unit_price="20.50"), QUIET, limits)
    assert found == "The total 102.50 is over the limit of 100.00."


def test_a_limit_in_one_currency_says_nothing_about_another() -> None:
    limits = ScreeningLimits(largest_total={"USD": Money(1, "USD")})
    assert value_over_limit(an_order_of(1), QUIET, limits) is None


def test_a_line_may_have_as_many_as_the_limit_and_the_largest_line_counts() -> None:
    limits = ScreeningLimits(largest_quantity=10)
    assert quantity_over_limit(an_order_of(10, 10), QUIET, limits) is None
    assert quantity_over_limit(an_order_of(11), QUIET, limits) is not None
    assert quantity_over_limit(an_order_of(3, 25, 12), QUIET, limits) == "The quantity 25 is over the limit of 10."


@pytest.mark.parametrize(("before", "refused"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_customer_may_place_as_many_orders_in_an_hour_as_the_limit(before: int, refused: bool) -> None:
    history = CustomerHistory(orders_in_last_hour=before)
    found = too_many_orders(an_order(), history, ScreeningLimits(most_orders_per_hour=3))
    assert found == (
        f"The customer placed {before} orders within the hour before, the limit is 3." if refused else None
    )


def test_the_same_lines_again_are_a_slip() -> None:
    limits = ScreeningLimits(repeat_window=timedelta(minutes=2, seconds=30))
    repeated = CustomerHistory(same_lines_in_window=True)
    assert same_lines_again(an_order(), QUIET, limits) is None
    assert (
        same_lines_again(an_order(), repeated, limits)
        == "The customer ordered the same lines within the 2.5 minutes before."
    )


def test_every_finding_is_told_in_the_order_of_the_policies() -> None:
    limits = ScreeningLimits(
        largest_total={"EUR": Money(1_00, "EUR")},
        largest_quantity=1,
        most_orders_per_hour=0,
        repeat_window=timedelta(minutes=5),
    )
    findings = screen(an_order(), CustomerHistory(same_lines_in_window=True), limits)
    assert [finding.split(" ")[1] for finding in findings] == ["total", "quantity", "customer", "customer"]
    assert "limit is 0" in findings[2]
    assert "same lines" in findings[3]
    assert screen(an_order(), QUIET, limits) == findings[:3]
