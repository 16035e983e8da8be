"""Note that a parcel arrived."""

from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class DeliverShipment:
    """Staff and services; when all has shipped and arrived, the order is DELIVERED.

    Raises NotAllowed, IllegalTransition, ShipmentNotFound.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(self, wanted: OrderChange, shipment_id: str) -> Answer:
        return await self._change_order(wanted, lambda order, now: order.deliver(shipment_id, by=wanted.by, at=now))
