"""Goods come back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from order_service.domain import events
from order_service.domain.actor import Actor
from order_service.domain.errors import NothingToReturn, OverReturn, ReturnNotFound, ReturnResolved
from order_service.domain.facts import OrderFacts
from order_service.domain.lifecycle import Operation, ReturnState
from order_service.domain.lines import LineQuantity, quantities_of
from order_service.domain.returns import Return, returned_quantities
from order_service.domain.shipments import shipped_quantities


class Returning(OrderFacts):
    """What has left may come back: somebody asks for it, and the shop receives or refuses it, as a whole."""

    __slots__ = ()

    def request_return(
        self, *, return_id: str, lines: Sequence[LineQuantity] | None, reason: str, by: Actor, at: datetime
    ) -> None:
        """Announces that `lines` come back, or everything that has left. Raises NothingToReturn, OverReturn,
        InvalidField.

        What another return that is still open has announced is not there to be returned again.
        """
        self._require(Operation.REQUEST_RETURN, by)
        if any(known.return_id == return_id for known in self.returns):
            return
        shipped = shipped_quantities(self.shipments)
        spoken_for = returned_quantities(self.returns, ReturnState.REQUESTED, ReturnState.RECEIVED)
        left = {line.line_id: shipped.get(line.line_id, 0) - spoken_for.get(line.line_id, 0) for line in self.lines}
        if not any(left.values()):
            raise NothingToReturn(self.status)
        self._require_room("returns", self.returns)
        requested = Return(
            return_id=return_id,
            lines=quantities_of(lines, left, too_many=OverReturn),
            reason=self._free_text("reason", reason),
            requested_at=at,
        )
        self.returns = (*self.returns, requested)
        self._record(events.ReturnRequested(return_id=return_id, quantities=_quantities(requested)), by, at)

    def receive_return(self, return_id: str, *, note: str = "", by: Actor, at: datetime) -> None:
        """The goods are here, and what was paid for them is owed back. Received already: nothing happens.

        Raises ReturnNotFound, ReturnResolved when it was refused.
        """
        received = self._resolve(return_id, ReturnState.RECEIVED, note, by, at)
        if received is None:
            return
        before, owed_before = self.status, self.refund_due
        self._replace(received)
        self._record(events.ReturnReceived(return_id=return_id, quantities=_quantities(received)), by, at)
        self._record_what_follows(before, owed_before, by, at)

    def refuse_return(self, return_id: str, *, note: str = "", by: Actor, at: datetime) -> None:
        """The goods are not taken back. Refused already: nothing happens.

        Raises ReturnNotFound, ReturnResolved when it was received.
        """
        refused = self._resolve(return_id, ReturnState.REFUSED, note, by, at)
        if refused is not None:
            self._replace(refused)
            self._record(events.ReturnRefused(return_id=return_id), by, at)

    def _resolve(self, return_id: str, to: ReturnState, note: str, by: Actor, at: datetime) -> Return | None:
        """The return as it is to be; None if it is so already."""
        self._require(Operation.RESOLVE_RETURN, by)
        known = next((one for one in self.returns if one.return_id == return_id), None)
        if known is None:
            raise ReturnNotFound(return_id)
        if known.state is to:
            return None
        if known.state is not ReturnState.REQUESTED:
            raise ReturnResolved(known.state)
        return replace(known, state=to, note=self._free_text("note", note), resolved_at=at)

    def _replace(self, changed: Return) -> None:
        self.returns = tuple(changed if one.return_id == changed.return_id else one for one in self.returns)


def _quantities(of: Return) -> dict[str, int]:
    return {str(entry.line_id): entry.quantity for entry in of.lines}
