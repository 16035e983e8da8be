"""Have an order screened that waits for it too long."""

from uuid import UUID

from order_service.domain.actor import Actor, Scope
from order_service.ports import Clock, Deed, Deeds, Ids
from order_service.use_cases.administration import require_operator
from order_service.use_cases.request_processing import RequestProcessing


class ScreenAgain:
    """Staff: as RequestProcessing, and it is written down before who asked, as no event of the order tells it.

    Raises InsufficientScope, NotAllowed, OrderNotFound, AlreadyProcessed.
    """

    def __init__(self, request: RequestProcessing, deeds: Deeds, ids: Ids, clock: Clock) -> None:
        self._request = request
        self._deeds = deeds
        self._ids = ids
        self._clock = clock

    async def __call__(self, order_id: UUID, *, by: Actor) -> None:
        require_operator(by, scope=Scope.ORDERS_WRITE)
        deed = Deed(id=self._ids.new(), at=self._clock.now(), by=by, what="screen again", subject=f"order {order_id}")
        await self._deeds.add(deed)
        await self._request(order_id, by=by)
