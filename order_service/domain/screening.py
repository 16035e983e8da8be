"""What background processing decides: whether an order looks like one that the shop wants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from order_service.domain.money import Money
from order_service.domain.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningLimits:
    """None, or no entry, turns a policy off. `largest_total` is by currency."""

    largest_total: Mapping[str, Money] = field(default_factory=dict)
    largest_quantity: int | None = None
    most_orders_per_hour: int | None = None
    repeat_window: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerHistory:
    """What the customer ordered just before this order."""

    orders_in_last_hour: int = 0
    same_lines_in_window: bool = False


Policy = Callable[[Order, CustomerHistory, ScreeningLimits], str | None]
"""Gives the reason to refuse the order, or None."""


def value_over_limit(order: Order, _: CustomerHistory, limits: ScreeningLimits) -> str | None:
    """A stolen card is worth most on one big order."""
    limit = limits.largest_total.get(order.currency)
    if limit is None or order.total <= limit:
        return None
    return f"The total {order.total} is over the limit of {limit}."


def quantity_over_limit(order: Order, _: CustomerHistory, limits: ScreeningLimits) -> str | None:
    """So many of one thing is a reseller, or a slip of the finger."""
    if limits.largest_quantity is None:
        return None
    most = max(line.quantity for line in order.lines)
    if most <= limits.largest_quantity:
        return None
    return f"The quantity {most} is over the limit of {limits.largest_quantity}."


def too_many_orders(_: Order, history: CustomerHistory, limits: ScreeningLimits) -> str | None:
    """Nobody shops that often; a script does."""
    limit = limits.most_orders_per_hour
    if limit is None or history.orders_in_last_hour < limit:
        return None
    return f"The customer placed {history.orders_in_last_hour} orders within the hour before, the limit is {limit}."


def same_lines_again(_: Order, history: CustomerHistory, limits: ScreeningLimits) -> str | None:
    """A double click in a client that sends no idempotency key."""
    if limits.repeat_window is None or not history.same_lines_in_window:
        return None
    minutes = limits.repeat_window.total_seconds() / 60
    return f"The customer ordered the same lines within the {minutes:g} minutes before."


POLICIES: tuple[Policy, ...] = (value_over_limit, quantity_over_limit, too_many_orders, same_lines_again)


def screen(order: Order, history: CustomerHistory, limits: ScreeningLimits) -> tuple[str, ...]:
    """Every reason to refuse the order; none means that it is welcome."""
    return tuple(reason for policy in POLICIES if (reason := policy(order, history, limits)))
