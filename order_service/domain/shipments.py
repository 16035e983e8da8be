"""Parcels on their way to the customer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.lines import LineQuantity, total_by_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """`shipment_id` is the shipping service's own name for it; an order knows each only once."""

    shipment_id: str
    lines: tuple[LineQuantity, ...]
    carrier: str | None
    tracking: str | None
    dispatched_at: datetime
    delivered_at: datetime | None = None


def shipped_quantities(shipments: Iterable[Shipment]) -> Mapping[UUID, int]:
    """Line id -> how many have left; 0 for a line that is not in it."""
    return total_by_line(entry for shipment in shipments for entry in shipment.lines)
