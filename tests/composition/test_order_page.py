"""What `order-service orders show` makes of an order for people."""

from uuid import UUID

import msgspec
import pytest

from composition.commands.order_page import _show
from order_service.domain.actor import ActorKind
from order_service.domain.order import Order
from order_service.views import ActorView, EventView, view_of
from tests.builders import NOON, an_order


def shown(order: Order, capsys: pytest.CaptureFixture[str], **changes: dict[str, object]) -> list[str]:
    """What is printed of the order, with these events: type -> change."""
    history = [
        EventView(
            id=UUID(int=seq),
            seq=seq,
            type=name.replace("_", ".", 1),
            occurred_at=NOON,
            actor=ActorView(kind=ActorKind.SYSTEM, id=None),
            change=change,
        )
        for seq, (name, change) in enumerate(changes.items(), start=1)
    ]
    _show(msgspec.json.decode(msgspec.json.encode(view_of(order))), history)
    return capsys.readouterr().out.splitlines()


def test_its_statuses_are_labeled_and_its_facts_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(an_order(), capsys)
    assert lines[0].endswith(": PENDING (screening QUEUED, payment UNPAID, fulfillment UNFULFILLED, returns NONE)")
    facts = lines[1 : lines.index("")]
    assert {line.strip().split("  ")[0] for line in facts} >= {"id", "customer", "to pay by", "money"}
    begins = {len(line) - len(line[2:].partition("  ")[2].lstrip()) for line in facts}
    assert len(begins) == 1, facts


def test_its_history_names_lines_and_leaves_out_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    order = an_order()
    line = order.lines[0]
    there, gone = str(line.line_id), str(UUID(int=7))
    lines = shown(
        order,
        capsys,
        order_processed={"findings": []},
        order_rejected={"findings": ["too-dear", "too-many"]},
        order_shipment_dispatched={"shipment_id": "parcel-1", "quantities": {there: 3, gone: 1}},
        order_line_canceled={"line_id": there, "quantity": 2, "reason": ""},
    )
    told = [printed.partition("  order.")[2] for printed in lines[lines.index("History") + 2 :]]
    assert [" ".join(each.split()) for each in told] == [
        "processed -",
        "rejected findings too-dear, too-many",
        f"shipment_dispatched shipment_id parcel-1, 3 x {line.name}, 1 x {gone}",
        f"line_canceled line {line.name}, quantity 2",
    ]
