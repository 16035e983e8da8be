"""Have an order screened that waits for it too long."""

from uuid import UUID

from order_service.domain.actor import Actor, Scope
from order_service.use_cases.administration import require_operator
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.write_down import WriteDown


class ScreenAgain:
    """Staff: as RequestProcessing, and it is written down before who asked, as no event of the order tells it.

    Raises InsufficientScope, NotAllowed, OrderNotFound, AlreadyProcessed.
    """

    def __init__(self, request: RequestProcessing, write_down: WriteDown) -> None:
        self._request = request
        self._write_down = write_down

    async def __call__(self, order_id: UUID, *, by: Actor) -> None:
        require_operator(by, scope=Scope.ORDERS_WRITE)
        await self._write_down("screen again", f"order {order_id}", by=by)
        await self._request(order_id, by=by)
