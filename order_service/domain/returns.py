"""Goods on their way back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.lifecycle import ReturnState
from order_service.domain.lines import LineQuantity, total_by_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """`reason` is the customer's, `note` the shop's; `resolved_at` is None until it is received or refused."""

    return_id: str
    lines: tuple[LineQuantity, ...]
    reason: str
    requested_at: datetime
    state: ReturnState = ReturnState.REQUESTED
    note: str = ""
    resolved_at: datetime | None = None


def returned_quantities(returns: Iterable[Return], *states: ReturnState) -> Mapping[UUID, int]:
    """Line id -> how many are in returns of these states, RECEIVED when none is named; 0 for a line not in it."""
    wanted = states or (ReturnState.RECEIVED,)
    return total_by_line(entry for one in returns if one.state in wanted for entry in one.lines)
