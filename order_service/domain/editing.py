"""What is ordered, and what is noted beside it, changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Literal
from uuid import UUID

from order_service.domain import events
from order_service.domain.actor import Actor
from order_service.domain.errors import AlreadyPaid, InvalidField
from order_service.domain.facts import OrderFacts
from order_service.domain.lifecycle import Operation, ProcessingStatus
from order_service.domain.lines import LineRequest, priced_lines
from order_service.domain.text import checked_external_ref, checked_metadata


class Keep(Enum):
    KEEP = "as it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is to be noted: an `external_ref`, or None for none any more; of the `metadata` the keys that are named,
    and None for a key that goes.
    """

    external_ref: str | Literal[Keep.KEEP] | None = Keep.KEEP
    metadata: Mapping[str, str | None] = field(default_factory=dict)


class Editing(OrderFacts):
    """Until money comes in, an order may ask for other things; its notes may change for longer."""

    __slots__ = ()

    def edit_lines(
        self, lines: Sequence[LineRequest], *, total_price: str | None = None, by: Actor, at: datetime
    ) -> None:
        """Puts `lines` in the place of the ones before, priced anew; the same again, each kept, changes nothing.

        A line that `keeps` one of them is the same line with new values; what was canceled of it stays canceled. The
        order is to be screened again: what was welcome before says nothing about what is wanted now.
        Raises AlreadyPaid, InvalidField, TotalMismatch.
        """
        self._require(Operation.EDIT_LINES, by)
        if self.captured:
            raise AlreadyPaid(str(self.captured))
        canceled = {line.line_id: line.canceled for line in self.lines}
        kept: set[UUID] = set()
        for i, line in enumerate(lines):
            if line.keeps is not None:
                if line.keeps not in canceled or line.keeps in kept:
                    raise InvalidField(f"lines[{i}].line_id", "is not a line of this order, or was named before.")
                kept.add(line.keeps)
        priced = priced_lines(lines, self.currency)
        edited = tuple(replace(line, canceled=canceled.get(line.line_id, 0)) for line in priced)
        for i, new in enumerate(edited):
            if new.wanted < 0:
                raise InvalidField(f"lines[{i}].quantity", f"must be at least the {new.canceled} canceled.")
        if not any(line.wanted for line in edited):
            raise InvalidField("lines", "would leave nothing of the order.")
        self._require_total(total_price, edited)
        if edited == self.lines:
            return
        before, owed_before = self.status, self.refund_due
        self.lines = edited
        self.processing_status = ProcessingStatus.QUEUED
        self._record(events.OrderEdited(total=str(self.total)), by, at)
        self._record_what_follows(before, owed_before, by, at)

    def amend(self, amendment: Amendment, *, by: Actor, at: datetime) -> None:
        """Notes what the amendment says; if it says nothing new, nothing happens. Raises InvalidField."""
        self._require(Operation.AMEND, by)
        if self.redacted_at is not None:
            raise InvalidField("body", "cannot be noted: the personal data of this order were erased.")
        external_ref = self.external_ref
        if amendment.external_ref is not Keep.KEEP:
            external_ref = checked_external_ref(amendment.external_ref)
        metadata = checked_metadata(
            {key: value for key, value in {**self.metadata, **amendment.metadata}.items() if value is not None}
        )
        changed = ["external_ref"] if external_ref != self.external_ref else []
        if metadata != self.metadata:
            changed.append("metadata")
        if changed:
            self.external_ref, self.metadata = external_ref, metadata
            self._record(events.OrderAmended(fields=tuple(changed)), by, at)
