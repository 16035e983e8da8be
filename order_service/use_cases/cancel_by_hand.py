"""Cancel an order on a page of ours."""

from order_service.domain.actor import Scope
from order_service.domain.lifecycle import CancelReason
from order_service.use_cases.administration import require_operator
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.idempotency import Answer
from order_service.use_cases.write_down import WriteDown


class CancelByHand:
    """Staff: as CancelOrder, and beside the order's own event it is written down among the deeds, before.

    Raises InsufficientScope, NotAllowed, OrderNotFound, VersionMismatch, IllegalTransition, InvalidField.
    """

    def __init__(self, cancel: CancelOrder, write_down: WriteDown) -> None:
        self._cancel = cancel
        self._write_down = write_down

    async def __call__(self, wanted: OrderChange, *, reason: CancelReason, note: str = "") -> Answer:
        require_operator(wanted.by, scope=Scope.ORDERS_WRITE)
        await self._write_down("cancel order", f"order {wanted.order_id}", by=wanted.by)
        return await self._cancel(wanted, reason=reason, note=note)
