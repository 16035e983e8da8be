"""What a person wrote goes, what the books need stays."""

from dataclasses import replace
from datetime import datetime

from order_service.domain import events
from order_service.domain.actor import Actor
from order_service.domain.facts import OrderFacts
from order_service.domain.lifecycle import Operation


class Redacting(OrderFacts):
    """Once a customer is erased, their orders go on without a word of theirs, or about them."""

    __slots__ = ()

    def redact(self, *, by: Actor, at: datetime) -> None:
        """Takes out `external_ref`, `metadata`, tracking numbers, notes and reasons, and lets none in any more.

        Lines, money, parcels and times stay. Redacted already: nothing happens.
        """
        self._require(Operation.REDACT, by)
        if self.redacted_at is not None:
            return
        self.external_ref, self.metadata = None, {}
        self.shipments = tuple(replace(parcel, tracking=None) for parcel in self.shipments)
        self.returns = tuple(replace(one, reason="", note="") for one in self.returns)
        self.refunds = tuple(replace(refund, reason="") for refund in self.refunds)
        if self.cancellation is not None:
            self.cancellation = replace(self.cancellation, note="")
        self.redacted_at = at
        self._record(events.OrderRedacted(), by, at)
