"""Refuse to take goods back."""

from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class RefuseReturn:
    """Staff and services do not take the goods back; they may be asked again.

    Raises NotAllowed, IllegalTransition, ReturnNotFound, ReturnResolved, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder) -> None:
        self._change_order = change_order

    async def __call__(self, wanted: OrderChange, return_id: str, *, note: str = "") -> Answer:
        return await self._change_order(
            wanted, lambda order, now: order.refuse_return(return_id, note=note, by=wanted.by, at=now)
        )
