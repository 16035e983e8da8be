"""Parcels on their way to the customer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.errors import InvalidField, OverShipment
from order_service.domain.lines import Line, LineQuantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    shipment_id: str
    lines: tuple[LineQuantity, ...]
    carrier: str | None
    tracking: str | None
    dispatched_at: datetime
    delivered_at: datetime | None = None


def shipped_quantities(shipments: Iterable[Shipment]) -> Mapping[UUID, int]:
    """Line id -> how many have left; 0 for a line that is not in it."""
    shipped: Counter[UUID] = Counter()
    for shipment in shipments:
        for entry in shipment.lines:
            shipped[entry.line_id] += entry.quantity
    return shipped


def parcel(
    asked: Sequence[LineQuantity] | None, lines: Sequence[Line], shipped: Mapping[UUID, int]
) -> tuple[LineQuantity, ...]:
    """What a shipment will carry: `asked`, or everything that has not left yet when `asked` is None.

    Raises InvalidField for a line that the order has not, OverShipment for more than is left of one.
    """
    left = {line.line_id: line.wanted - shipped.get(line.line_id, 0) for line in lines}
    if asked is None:
        return tuple(LineQuantity(line_id, quantity) for line_id, quantity in left.items() if quantity)
    if not asked:
        raise InvalidField("lines", "must name at least one line, or be left out to ship all that is left.")
    for i, entry in enumerate(asked):
        if entry.line_id not in left:
            raise InvalidField(f"lines[{i}].line_id", "is not a line of this order.")
        if entry.quantity < 1:
            raise InvalidField(f"lines[{i}].quantity", f"must be at least 1, not {entry.quantity}.")
        if entry.quantity > left[entry.line_id]:
            raise OverShipment(line_id=entry.line_id, quantity=entry.quantity, left=left[entry.line_id])
        left[entry.line_id] -= entry.quantity
    wanted: Counter[UUID] = Counter()
    for entry in asked:
        wanted[entry.line_id] += entry.quantity
    return tuple(LineQuantity(line_id, quantity) for line_id, quantity in wanted.items())
