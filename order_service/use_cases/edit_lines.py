"""Edit what an order asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from order_service.domain.lines import LineRequest
from order_service.ports import Ids
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer
from order_service.use_cases.place_order import WantedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedLine(WantedLine):
    """`line_id` of the line that it replaces; None for a new one."""

    line_id: UUID | None = None


class EditLines:
    """The customer or staff put other lines in the place of all there are, until money comes in.

    The order is priced anew, and screened again. A dry run says what would come of it, and stores nothing.
    Raises NotAllowed, IllegalTransition, AlreadyPaid, InvalidField, TotalMismatch.
    """

    def __init__(self, change_order: ChangeOrder, ids: Ids) -> None:
        self._change_order = change_order
        self._ids = ids

    async def __call__(
        self, wanted: OrderChange, *, lines: Sequence[EditedLine], total_price: str | None = None
    ) -> Answer:
        requests = [
            LineRequest(
                line_id=self._ids.new(),
                keeps=line.line_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price,
            )
            for line in lines
        ]
        return await self._change_order(
            wanted, lambda order, now: order.edit_lines(requests, total_price=total_price, by=wanted.by, at=now)
        )
