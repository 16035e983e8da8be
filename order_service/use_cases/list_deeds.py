"""See who did what with the machinery."""

from collections.abc import Sequence

from order_service.domain.actor import Actor, Scope
from order_service.ports import Deed, Deeds
from order_service.use_cases.administration import require_operator


class ListDeeds:
    """Staff, and whoever runs the service: the newest first. Raises InsufficientScope, NotAllowed."""

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds

    async def __call__(self, *, limit: int, by: Actor) -> Sequence[Deed]:
        require_operator(by, scope=Scope.ORDERS_READ)
        return await self._deeds.newest(limit)
