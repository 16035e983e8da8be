"""Ship an order, whole or in parcels."""

from collections.abc import Sequence

from order_service.domain.lines import LineQuantity
from order_service.ports import Ids
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class ShipOrder:
    """Staff and services send a parcel with `lines`, or with all that is left; the last one makes the order SHIPPED.

    Raises NotAllowed, IllegalTransition, OverShipment, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder, ids: Ids) -> None:
        self._change_order = change_order
        self._ids = ids

    async def __call__(
        self,
        wanted: OrderChange,
        *,
        shipment_id: str | None = None,
        lines: Sequence[LineQuantity] | None = None,
        carrier: str | None = None,
        tracking: str | None = None,
    ) -> Answer:
        """`shipment_id` is the shipping service's own name for it; without one it gets a name here."""
        name = shipment_id or str(self._ids.new())
        return await self._change_order(
            wanted,
            lambda order, now: order.ship(
                shipment_id=name, lines=lines, carrier=carrier, tracking=tracking, by=wanted.by, at=now
            ),
        )
