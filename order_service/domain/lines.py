"""What is ordered: the lines of an order, before they are accepted and after."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from order_service.domain.errors import InvalidField, OrderServiceError
from order_service.domain.money import Money
from order_service.domain.text import checked_text

MOST_LINES = 200
LARGEST_QUANTITY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRequest:
    """A line as asked for. `unit_price` is still a text: what it means depends on the order's currency.

    `line_id` is its name from now on; `keeps` is that of the line it is to replace, if it replaces one.
    """

    line_id: UUID
    name: str
    quantity: int
    unit_price: str
    sku: str | None = None
    keeps: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as accepted; `canceled` of its `quantity` will never be shipped."""

    line_id: UUID
    name: str
    quantity: int
    unit_price: Money
    sku: str | None = None
    canceled: int = 0

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity

    @property
    def wanted(self) -> int:
        return self.quantity - self.canceled


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """So many of one line: what a shipment carries, what is canceled, what comes back."""

    line_id: UUID
    quantity: int


def priced_lines(requests: Sequence[LineRequest], currency: str) -> tuple[Line, ...]:
    """The lines, priced in `currency`. Raises InvalidField for the first that breaks a rule."""
    if not 1 <= len(requests) <= MOST_LINES:
        raise InvalidField("lines", f"must have 1 to {MOST_LINES} entries, not {len(requests)}.")
    lines = tuple(_priced(request, currency, f"lines[{i}]") for i, request in enumerate(requests))
    total_of(lines, currency).within_range("lines")
    return lines


def total_of(lines: Sequence[Line], currency: str) -> Money:
    # Without a Money for each line, here and in `OrderFacts.price`: both are asked for again and again.
    return Money(sum([line.unit_price.minor * line.quantity for line in lines]), currency)


def quantities_of(
    asked: Sequence[LineQuantity] | None,
    left: Mapping[UUID, int],
    *,
    too_many: Callable[[UUID, int, int], OrderServiceError],
) -> tuple[LineQuantity, ...]:
    """`asked`, a line only once, or everything that is `left` (by line id) when `asked` is None.

    Raises InvalidField for a line that the order has not; what `too_many` gives for a line id, the quantity asked for
    and the one that is left, when that is less.
    """
    if asked is None:
        return tuple(LineQuantity(line_id, quantity) for line_id, quantity in left.items() if quantity)
    if not asked:
        raise InvalidField("lines", "must name at least one line, or be left out for all that is left.")
    wanted: Counter[UUID] = Counter()
    for i, entry in enumerate(asked):
        if entry.line_id not in left:
            raise InvalidField(f"lines[{i}].line_id", "is not a line of this order.")
        if entry.quantity < 1:
            raise InvalidField(f"lines[{i}].quantity", f"must be at least 1, not {entry.quantity}.")
        open_quantity = left[entry.line_id] - wanted[entry.line_id]
        if entry.quantity > open_quantity:
            raise too_many(entry.line_id, entry.quantity, open_quantity)
        wanted[entry.line_id] += entry.quantity
    return tuple(LineQuantity(line_id, quantity) for line_id, quantity in wanted.items())


def total_by_line(entries: Iterable[LineQuantity]) -> Counter[UUID]:
    """Line id -> how many in all; 0 for a line that is not in it."""
    total: Counter[UUID] = Counter()
    for entry in entries:
        total[entry.line_id] += entry.quantity
    return total


def fingerprint_of(lines: Sequence[Line]) -> bytes:
    """Equal for orders of the same things at the same prices, whatever the order of their lines."""
    entries = sorted(repr((line.sku, line.name, line.quantity, line.unit_price.minor)) for line in lines)
    return hashlib.sha256("\n".join([lines[0].unit_price.currency, *entries]).encode()).digest()[:16]


def _priced(request: LineRequest, currency: str, field: str) -> Line:
    if not 1 <= request.quantity <= LARGEST_QUANTITY:
        raise InvalidField(f"{field}.quantity", f"must be 1 to {LARGEST_QUANTITY}, not {request.quantity}.")
    line = Line(
        line_id=request.keeps or request.line_id,
        sku=None if request.sku is None else checked_text(f"{field}.sku", request.sku, longest=64),
        name=checked_text(f"{field}.name", request.name, longest=255),
        quantity=request.quantity,
        unit_price=Money.parse(request.unit_price, currency, field=f"{field}.unit_price"),
    )
    line.total.within_range(f"{field}.unit_price")
    return line
