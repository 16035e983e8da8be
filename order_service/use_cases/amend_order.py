"""Amend the notes beside an order."""

from order_service.domain.editing import Amendment
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class AmendOrder:
    """The customer, until the order is canceled, or staff note another external_ref or other metadata.

    Raises NotAllowed, IllegalTransition, ExternalRefTaken, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(self, wanted: OrderChange, amendment: Amendment) -> Answer:
        return await self._change_order(wanted, lambda order, now: order.amend(amendment, by=wanted.by, at=now))
