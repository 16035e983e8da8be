"""Ask for goods to be taken back."""

from collections.abc import Sequence

from order_service.domain.lines import LineQuantity
from order_service.ports import Ids
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer


class RequestReturn:
    """The customer or staff announce that `lines` come back, or all that has shipped and is not returned yet.

    Raises NotAllowed, IllegalTransition, NothingToReturn, OverReturn, InvalidField.
    """

    def __init__(self, change_order: ChangeOrder, ids: Ids) -> None:
        self._change_order = change_order
        self._ids = ids

    async def __call__(
        self, wanted: OrderChange, *, lines: Sequence[LineQuantity] | None = None, reason: str = ""
    ) -> Answer:
        return_id = str(self._ids.new())
        return await self._change_order(
            wanted,
            lambda order, now: order.request_return(
                return_id=return_id, lines=lines, reason=reason, by=wanted.by, at=now
            ),
        )
