"""Parcels leave, and arrive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from order_service.domain import events
from order_service.domain.actor import Actor
from order_service.domain.errors import OverShipment, ShipmentNotFound
from order_service.domain.facts import OrderFacts
from order_service.domain.lifecycle import Operation, Status
from order_service.domain.lines import LineQuantity, quantities_of
from order_service.domain.shipments import Shipment
from order_service.domain.text import checked_text


class Shipping(OrderFacts):
    """An order that is paid leaves in one parcel or several."""

    __slots__ = ()

    def ship(
        self,
        *,
        shipment_id: str,
        lines: Sequence[LineQuantity] | None = None,
        carrier: str | None = None,
        tracking: str | None = None,
        by: Actor,
        at: datetime,
    ) -> None:
        """Sends a parcel with `lines`, or with all that has not left yet. Raises OverShipment, InvalidField.

        A shipment that is known already changes nothing.
        """
        self._open_to(by, Operation.SHIP)
        if any(shipment.shipment_id == shipment_id for shipment in self.shipments):
            return
        self._require(Operation.SHIP, by, to=Status.SHIPPED)
        self._require_room("shipments", self.shipments)
        before, owed_before = self.status, self.refund_due
        shipment = Shipment(
            shipment_id=checked_text("shipment_id", shipment_id, longest=255),
            lines=quantities_of(lines, self._not_shipped(), too_many=OverShipment),
            carrier=None if carrier is None else checked_text("carrier", carrier, longest=100),
            tracking=None if tracking is None else checked_text("tracking", tracking, longest=255),
            dispatched_at=at,
        )
        self.shipments = (*self.shipments, shipment)
        quantities = {str(entry.line_id): entry.quantity for entry in shipment.lines}
        self._record(events.ShipmentDispatched(shipment_id=shipment_id, quantities=quantities), by, at)
        self._record_what_follows(before, owed_before, by, at)

    def deliver(self, shipment_id: str, *, by: Actor, at: datetime) -> None:
        """Notes that a parcel arrived; once noted, nothing happens. Raises ShipmentNotFound."""
        self._require(Operation.DELIVER, by, to=Status.DELIVERED)
        shipment = next((known for known in self.shipments if known.shipment_id == shipment_id), None)
        if shipment is None:
            raise ShipmentNotFound(shipment_id)
        if shipment.delivered_at is not None:
            return
        before, owed_before = self.status, self.refund_due
        delivered = replace(shipment, delivered_at=at)
        self.shipments = tuple(delivered if known is shipment else known for known in self.shipments)
        self._record(events.ShipmentDelivered(shipment_id=shipment_id), by, at)
        self._record_what_follows(before, owed_before, by, at)
