"""Receive what comes back."""

from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class ReceiveReturn:
    """Staff and services note that the goods are here, which is owed back from then on.

    Raises NotAllowed, IllegalTransition, ReturnNotFound, ReturnResolved, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(self, wanted: OrderChange, return_id: str, *, note: str = "") -> Answer:
        return await self._change_order(
            wanted, lambda order, now: order.receive_return(return_id, note=note, by=wanted.by, at=now)
        )
