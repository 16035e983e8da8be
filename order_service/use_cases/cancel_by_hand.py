"""Cancel an order on a page of ours."""

from order_service.domain.actor import Scope
from order_service.domain.lifecycle import CancelReason
from order_service.ports import Clock, Deed, Deeds, Ids
from order_service.use_cases.administration import require_operator
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.idempotency import Answer


class CancelByHand:
    """Staff: as CancelOrder, and beside the order's own event it is written down among the deeds, before.

    Raises InsufficientScope, NotAllowed, OrderNotFound, VersionMismatch, IllegalTransition, InvalidField.
    """

    def __init__(self, cancel: CancelOrder, deeds: Deeds, ids: Ids, clock: Clock) -> None:
        self._cancel = cancel
        self._deeds = deeds
        self._ids = ids
        self._clock = clock

    async def __call__(self, wanted: OrderChange, *, reason: CancelReason, note: str = "") -> Answer:
        require_operator(wanted.by, scope=Scope.ORDERS_WRITE)
        subject = f"order {wanted.order_id}"
        deed = Deed(id=self._ids.new(), at=self._clock.now(), by=wanted.by, what="cancel order", subject=subject)
        await self._deeds.add(deed)
        return await self._cancel(wanted, reason=reason, note=note)
