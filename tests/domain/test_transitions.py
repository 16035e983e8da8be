"""Who may do what, and when: the table of the domain, written out here once more and compared cell by cell.

never    NotAllowed: this actor may not do it whatever the order's status
illegal  IllegalTransition: it cannot be done where the order is
done     it happens; what that means is in DONE
same     nothing happens, because the order is there already: no event, no new version
unknown  ShipmentNotFound or ReturnNotFound: nothing was sent yet, so nothing is to come back either
nothing  NothingToReturn: nothing has left that could come back
over     RefundExceedsCaptured: no money came in that could go back
"""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest

from order_service.domain import events
from order_service.domain.actor import SYSTEM, Actor, ActorKind
from order_service.domain.editing import Amendment
from order_service.domain.errors import (
    CancelWindowClosed,
    IllegalTransition,
    NotAllowed,
    NotFound,
    NothingToReturn,
    RefundExceedsCaptured,
    ReturnNotFound,
    ShipmentNotFound,
)
from order_service.domain.facts import Cancellation
from order_service.domain.lifecycle import CancelReason, Operation, Status
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from tests.builders import (
    CANCEL_WINDOW,
    NOON,
    TIME_TO_PAY,
    a_canceled_order,
    a_customer,
    a_delivered_order,
    a_line_request,
    a_paid_order,
    a_service,
    a_shipped_order,
    an_admin,
    an_operator,
    an_order,
    news_of,
)

OPERATIONS = """
operation       actor     PENDING  PAID     PAID+PARCEL  SHIPPED  DELIVERED  CANCELED

process         customer  never    never    never        never    never      never
process         stranger  never    never    never        never    never      never
process         operator  done     done     done         done     done       done
process         admin     done     done     done         done     done       done
process         service   done     done     done         done     done       done
process         system    done     done     done         done     done       done

record_payment  customer  never    never    never        never    never      never
record_payment  stranger  never    never    never        never    never      never
record_payment  operator  done     illegal  illegal      illegal  illegal    illegal
record_payment  admin     done     illegal  illegal      illegal  illegal    illegal
record_payment  service   done     done     done         done     done       done
record_payment  system    done     done     done         done     done       done

record_refund   customer  never    never    never        never    never      never
record_refund   stranger  never    never    never        never    never      never
record_refund   operator  over     done     done         done     done       over
record_refund   admin     over     done     done         done     done       over
record_refund   service   over     done     done         done     done       over
record_refund   system    over     done     done         done     done       over

ship            customer  never    never    never        never    never      never
ship            stranger  never    never    never        never    never      never
ship            operator  illegal  done     done         illegal  illegal    illegal
ship            admin     illegal  done     done         illegal  illegal    illegal
ship            service   illegal  done     done         illegal  illegal    illegal
ship            system    illegal  done     done         illegal  illegal    illegal

deliver         customer  never    never    never        never    never      never
deliver         stranger  never    never    never        never    never      never
deliver         operator  illegal  unknown  done         done     same       illegal
deliver         admin     illegal  unknown  done         done     same       illegal
deliver         service   illegal  unknown  done         done     same       illegal
deliver         system    illegal  unknown  done         done     same       illegal

cancel          customer  done     done     illegal      illegal  illegal    same
cancel          stranger  never    never    never        never    never      never
cancel          operator  done     done     illegal      illegal  illegal    same
cancel          admin     done     done     illegal      illegal  illegal    same
cancel          service   done     done     illegal      illegal  illegal    same
cancel          system    done     illegal  illegal      illegal  illegal    same

cancel_lines    customer  never    never    never        never    never      never
cancel_lines    stranger  never    never    never        never    never      never
cancel_lines    operator  done     done     done         illegal  illegal    illegal
cancel_lines    admin     done     done     done         illegal  illegal    illegal
cancel_lines    service   done     done     done         illegal  illegal    illegal
cancel_lines    system    never    never    never        never    never      never

edit_lines      customer  done     illegal  illegal      illegal  illegal    illegal
edit_lines      stranger  never    never    never        never    never      never
edit_lines      operator  done     illegal  illegal      illegal  illegal    illegal
edit_lines      admin     done     illegal  illegal      illegal  illegal    illegal
edit_lines      service   done     illegal  illegal      illegal  illegal    illegal
edit_lines      system    never    never    never        never    never      never

request_return  customer  illegal  nothing  done         done     done       illegal
request_return  stranger  never    never    never        never    never      never
request_return  operator  illegal  nothing  done         done     done       illegal
request_return  admin     illegal  nothing  done         done     done       illegal
request_return  service   illegal  nothing  done         done     done       illegal
request_return  system    never    never    never        never    never      never

receive_return  customer  never    never    never        never    never      never
receive_return  stranger  never    never    never        never    never      never
receive_return  operator  illegal  unknown  done         done     done       illegal
receive_return  admin     illegal  unknown  done         done     done       illegal
receive_return  service   illegal  unknown  done         done     done       illegal
receive_return  system    illegal  unknown  done         done     done       illegal

refuse_return   customer  never    never    never        never    never      never
refuse_return   stranger  never    never    never        never    never      never
refuse_return   operator  illegal  unknown  done         done     done       illegal
refuse_return   admin     illegal  unknown  done         done     done       illegal
refuse_return   service   illegal  unknown  done         done     done       illegal
refuse_return   system    illegal  unknown  done         done     done       illegal

amend           customer  done     done     done         done     done       illegal
amend           stranger  never    never    never        never    never      never
amend           operator  done     done     done         done     done       done
amend           admin     done     done     done         done     done       done
amend           service   done     done     done         done     done       done
amend           system    never    never    never        never    never      never

redact          customer  never    never    never        never    never      never
redact          stranger  never    never    never        never    never      never
redact          operator  never    never    never        never    never      never
redact          admin     never    never    never        never    never      never
redact          service   never    never    never        never    never      never
redact          system    done     done     done         done     done       done
"""

DONE = {
    ("process", "PENDING"): ("PENDING", ["order.processed"]),
    ("process", "PAID"): ("PAID", ["order.processed"]),
    ("process", "PAID+PARCEL"): ("PAID", ["order.processed"]),
    ("process", "SHIPPED"): ("SHIPPED", ["order.processed"]),
    ("process", "DELIVERED"): ("DELIVERED", ["order.processed"]),
    ("process", "CANCELED"): ("CANCELED", ["order.processed"]),
    ("record_payment", "PENDING"): ("PAID", ["order.payment_recorded", "order.paid"]),
    ("record_payment", "PAID"): ("PAID", ["order.payment_recorded", "order.refund_due"]),
    ("record_payment", "PAID+PARCEL"): ("PAID", ["order.payment_recorded", "order.refund_due"]),
    ("record_payment", "SHIPPED"): ("SHIPPED", ["order.payment_recorded", "order.refund_due"]),
    ("record_payment", "DELIVERED"): ("DELIVERED", ["order.payment_recorded", "order.refund_due"]),
    ("record_payment", "CANCELED"): ("CANCELED", ["order.payment_recorded", "order.refund_due"]),
    ("record_refund", "PAID"): ("PAID", ["order.refunded"]),
    ("record_refund", "PAID+PARCEL"): ("PAID", ["order.refunded"]),
    ("record_refund", "SHIPPED"): ("SHIPPED", ["order.refunded"]),
    ("record_refund", "DELIVERED"): ("DELIVERED", ["order.refunded"]),
    ("ship", "PAID"): ("SHIPPED", ["order.shipment_dispatched", "order.shipped"]),
    ("ship", "PAID+PARCEL"): ("SHIPPED", ["order.shipment_dispatched", "order.shipped"]),
    ("deliver", "PAID+PARCEL"): ("PAID", ["order.shipment_delivered"]),
    ("deliver", "SHIPPED"): ("DELIVERED", ["order.shipment_delivered", "order.delivered"]),
    ("cancel", "PENDING"): ("CANCELED", ["order.canceled"]),
    ("cancel", "PAID"): ("CANCELED", ["order.canceled", "order.refund_due"]),
    ("cancel_lines", "PENDING"): ("PENDING", ["order.line_canceled"]),
    ("cancel_lines", "PAID"): ("PAID", ["order.line_canceled", "order.refund_due"]),
    ("cancel_lines", "PAID+PARCEL"): ("PAID", ["order.line_canceled", "order.refund_due"]),
    ("edit_lines", "PENDING"): ("PENDING", ["order.edited"]),
    ("request_return", "PAID+PARCEL"): ("PAID", ["order.return_requested"]),
    ("request_return", "SHIPPED"): ("SHIPPED", ["order.return_requested"]),
    ("request_return", "DELIVERED"): ("DELIVERED", ["order.return_requested"]),
    ("receive_return", "PAID+PARCEL"): ("PAID", ["order.return_received", "order.refund_due"]),
    ("receive_return", "SHIPPED"): ("SHIPPED", ["order.return_received", "order.refund_due"]),
    ("receive_return", "DELIVERED"): ("DELIVERED", ["order.return_received", "order.refund_due"]),
    ("refuse_return", "PAID+PARCEL"): ("PAID", ["order.return_refused"]),
    ("refuse_return", "SHIPPED"): ("SHIPPED", ["order.return_refused"]),
    ("refuse_return", "DELIVERED"): ("DELIVERED", ["order.return_refused"]),
    ("amend", "PENDING"): ("PENDING", ["order.amended"]),
    ("amend", "PAID"): ("PAID", ["order.amended"]),
    ("amend", "PAID+PARCEL"): ("PAID", ["order.amended"]),
    ("amend", "SHIPPED"): ("SHIPPED", ["order.amended"]),
    ("amend", "DELIVERED"): ("DELIVERED", ["order.amended"]),
    ("amend", "CANCELED"): ("CANCELED", ["order.amended"]),
    ("redact", "PENDING"): ("PENDING", ["order.redacted"]),
    ("redact", "PAID"): ("PAID", ["order.redacted"]),
    ("redact", "PAID+PARCEL"): ("PAID", ["order.redacted"]),
    ("redact", "SHIPPED"): ("SHIPPED", ["order.redacted"]),
    ("redact", "DELIVERED"): ("DELIVERED", ["order.redacted"]),
    ("redact", "CANCELED"): ("CANCELED", ["order.redacted"]),
}

SHORT_WAYS = """
actor     to         PENDING  PAID     PAID+PARCEL  SHIPPED  DELIVERED  CANCELED

customer  PAID       never    never    never        never    never      never
customer  SHIPPED    never    never    never        never    never      never
customer  DELIVERED  never    never    never        never    never      never
customer  CANCELED   done     done     illegal      illegal  illegal    same

stranger  PAID       never    never    never        never    never      never
stranger  SHIPPED    never    never    never        never    never      never
stranger  DELIVERED  never    never    never        never    never      never
stranger  CANCELED   never    never    never        never    never      never

operator  PAID       done     same     same         illegal  illegal    illegal
operator  SHIPPED    illegal  done     done         same     illegal    illegal
operator  DELIVERED  illegal  illegal  illegal      done     same       illegal
operator  CANCELED   done     done     illegal      illegal  illegal    same

admin     PAID       done     same     same         illegal  illegal    illegal
admin     SHIPPED    illegal  done     done         same     illegal    illegal
admin     DELIVERED  illegal  illegal  illegal      done     same       illegal
admin     CANCELED   done     done     illegal      illegal  illegal    same

service   PAID       done     same     same         illegal  illegal    illegal
service   SHIPPED    illegal  done     done         same     illegal    illegal
service   DELIVERED  illegal  illegal  illegal      done     same       illegal
service   CANCELED   done     done     illegal      illegal  illegal    same

system    PAID       done     same     same         illegal  illegal    illegal
system    SHIPPED    illegal  done     done         same     illegal    illegal
system    DELIVERED  illegal  illegal  illegal      done     same       illegal
system    CANCELED   done     illegal  illegal      illegal  illegal    same
"""

TARGET = {"record_payment": "PAID", "ship": "SHIPPED", "deliver": "DELIVERED", "cancel": "CANCELED"}
"""Where an operation leads."""

ASKED = TARGET | {"cancel_lines": "CANCELED"}
"""What a refusal says was asked; of other operations, to be where the order is."""

WAY_TO = {target: operation for operation, target in TARGET.items()}

ONWARD = {
    "PENDING": ["PAID", "CANCELED"],
    "PAID": ["SHIPPED", "CANCELED"],
    "PAID+PARCEL": ["SHIPPED"],
    "SHIPPED": ["DELIVERED"],
    "DELIVERED": [],
    "CANCELED": [],
}
"""Where an order can go from where it is."""

UNKNOWN: dict[str, tuple[type[NotFound], dict[str, str]]] = {
    "deliver": (ShipmentNotFound, {"shipment_id": "parcel-1"}),
    "receive_return": (ReturnNotFound, {"return_id": "return-1"}),
    "refuse_return": (ReturnNotFound, {"return_id": "return-1"}),
}

OWNER_ID = uuid4()
OWNER, STRANGER, OPERATOR, ADMIN = a_customer(OWNER_ID), a_customer(), an_operator(), an_admin()
SERVICE = a_service()
ACTORS = {
    "customer": OWNER,
    "stranger": STRANGER,
    "operator": OPERATOR,
    "admin": ADMIN,
    "service": SERVICE,
    "system": SYSTEM,
}
OVERDUE = NOON + TIME_TO_PAY


def a_partly_shipped_order() -> Order:
    lines = [a_line_request(), a_line_request()]
    order = a_paid_order(by=OWNER, lines=lines)
    order.ship(shipment_id="parcel-1", lines=[LineQuantity(lines[0].line_id, 1)], by=SYSTEM, at=NOON)
    return order


ORDERS: dict[str, Callable[[], Order]] = {
    "PENDING": lambda: an_order(by=OWNER),
    "PAID": lambda: a_paid_order(by=OWNER),
    "PAID+PARCEL": a_partly_shipped_order,
    "SHIPPED": lambda: a_shipped_order(by=OWNER),
    "DELIVERED": lambda: a_delivered_order(by=OWNER),
    "CANCELED": lambda: a_canceled_order(by=OWNER),
}

OPERATE: dict[str, Callable[[Order, Actor, datetime], None]] = {
    "process": lambda order, by, at: order.process([], by=by, at=at),
    "redact": lambda order, by, at: order.redact(by=by, at=at),
    "record_payment": lambda order, by, at: order.record_payment(
        payment_id="payment-2", amount=order.total, method="CARD", by=by, at=at
    ),
    "record_refund": lambda order, by, at: order.record_refund(
        refund_id="refund-1", amount=order.total, reason="", by=by, at=at
    ),
    "ship": lambda order, by, at: order.ship(shipment_id="parcel-2", by=by, at=at),
    "deliver": lambda order, by, at: order.deliver("parcel-1", by=by, at=at),
    "cancel": lambda order, by, at: order.cancel(reason=CancelReason.OTHER, window=CANCEL_WINDOW, by=by, at=at),
    "cancel_lines": lambda order, by, at: order.cancel_lines(
        [LineQuantity(order.lines[0].line_id, 1)], reason=CancelReason.OUT_OF_STOCK, by=by, at=at
    ),
    "edit_lines": lambda order, by, at: order.edit_lines([a_line_request(name="Green mug")], by=by, at=at),
    "request_return": lambda order, by, at: order.request_return(
        return_id="return-1", lines=None, reason="", by=by, at=at
    ),
    "receive_return": lambda order, by, at: order.receive_return("return-1", by=by, at=at),
    "refuse_return": lambda order, by, at: order.refuse_return("return-1", by=by, at=at),
    "amend": lambda order, by, at: order.amend(Amendment(external_ref="cart-7"), by=by, at=at),
}

RESOLVING = {"receive_return", "refuse_return"}
"""They need something that is asked to come back, where something has left."""


def an_order_for(operation: str, start: str) -> Order:
    order = ORDERS[start]()
    if operation in RESOLVING and order.shipments:
        order.request_return(return_id="return-1", lines=None, reason="", by=OWNER, at=NOON)
    return order


def rows(table: str) -> list[tuple[str, str, dict[str, str]]]:
    """The two names of each row, and what stands in each of its columns."""
    header, *lines = (line.split() for line in table.splitlines() if line)
    return [(first, second, dict(zip(header[2:], outcomes, strict=True))) for first, second, *outcomes in lines]


def when(actor: str) -> datetime:
    """A moment later; the system waits until the time to pay is over, else it may not cancel."""
    return OVERDUE if actor == "system" else NOON + CANCEL_WINDOW


def check(act: Callable[[Order], None], *, outcome: str, operation: str, asked: str, actor: str, start: str) -> None:
    order = an_order_for(operation, start)
    order.take_events()
    before, status = deepcopy(order), order.status
    match outcome:
        case "done":
            act(order)
            reached, types = DONE[operation, start]
            recorded = order.take_events()
            assert order.status == reached
            assert [entry.event.type for entry in recorded] == types
            assert [entry.seq for entry in recorded] == [before.version + i + 1 for i in range(len(types))]
            assert {(entry.by, entry.at) for entry in recorded} == {(ACTORS[actor], when(actor))}
            assert order.version == before.version + len(types)
            assert order.updated_at == when(actor)
            return
        case "same":
            act(order)
        case "never":
            with pytest.raises(NotAllowed) as not_allowed:
                act(order)
            assert type(not_allowed.value) is NotAllowed
            assert str(not_allowed.value).startswith(f"A {ACTORS[actor].kind} may not ")
        case "unknown":
            absent, details = UNKNOWN[operation]
            with pytest.raises(absent) as not_found:
                act(order)
            assert not_found.value.details() == details
        case "nothing":
            with pytest.raises(NothingToReturn) as nothing:
                act(order)
            assert nothing.value.details() == {"order_status": status}
        case "over":
            with pytest.raises(RefundExceedsCaptured) as over:
                act(order)
            assert over.value.details() == {"amount": str(order.total), "left": "0.00"}
        case "illegal":
            with pytest.raises(IllegalTransition) as illegal:
                act(order)
            assert (illegal.value.from_, illegal.value.to) == (status, asked or status)
            assert illegal.value.allowed == ONWARD[start]
        case _:
            pytest.fail(f"no such outcome: {outcome}")
    assert order == before


@pytest.mark.parametrize(("operation", "actor", "outcomes"), rows(OPERATIONS))
def test_operation(operation: str, actor: str, outcomes: dict[str, str]) -> None:
    for start, outcome in outcomes.items():
        check(
            lambda order: OPERATE[operation](order, ACTORS[actor], when(actor)),
            outcome=outcome,
            operation=operation,
            asked=ASKED.get(operation, ""),
            actor=actor,
            start=start,
        )


@pytest.mark.parametrize(("actor", "to", "outcomes"), rows(SHORT_WAYS))
def test_short_way(actor: str, to: str, outcomes: dict[str, str]) -> None:
    for start, outcome in outcomes.items():
        check(
            lambda order: order.move_to(
                Status(to), fact_id="fact-1", window=CANCEL_WINDOW, by=ACTORS[actor], at=when(actor)
            ),
            outcome=outcome,
            operation=WAY_TO[to],
            asked=to,
            actor=actor,
            start=start,
        )


def test_no_cell_of_the_tables_is_missing() -> None:
    assert {(operation, actor) for operation, actor, _ in rows(OPERATIONS)} == set(product(OPERATE, ACTORS))
    assert {(actor, to) for actor, to, _ in rows(SHORT_WAYS)} == set(product(ACTORS, WAY_TO))
    for *_, outcomes in rows(OPERATIONS) + rows(SHORT_WAYS):
        assert list(outcomes) == list(ORDERS)
    assert {ORDERS[start]().status for start in ORDERS} == set(Status)


def test_no_operation_is_missing() -> None:
    assert OPERATE.keys() - RESOLVING | {"resolve_return"} == {operation.name.lower() for operation in Operation}


# Placing has no status to start from


@pytest.mark.parametrize("by", [OWNER, OPERATOR, ADMIN, SERVICE], ids=["customer", "operator", "admin", "service"])
def test_an_order_is_placed_by_its_customer_or_by_staff_for_them(by: Actor) -> None:
    order = an_order(by=by, customer_id=OWNER_ID)
    assert order.customer_id == OWNER_ID
    assert [recorded.by for recorded in order.take_events()] == [by]


@pytest.mark.parametrize("by", [STRANGER, SYSTEM], ids=["stranger", "system"])
def test_nobody_else_places_an_order_for_a_customer(by: Actor) -> None:
    with pytest.raises(NotAllowed, match="Only staff and services"):
        an_order(by=by, customer_id=OWNER_ID)


# What the short way fills in


def test_the_short_way_to_paid_pays_what_is_still_open() -> None:
    order = an_order()
    order.record_payment(
        payment_id="payment-1", amount=Money.parse("7.50", "EUR", field="amount"), method="CARD", by=SYSTEM, at=NOON
    )
    order.move_to(Status.PAID, fact_id="fact-1", window=CANCEL_WINDOW, by=OPERATOR, at=OVERDUE)
    assert [(known.payment_id, str(known.amount), known.method, known.recorded_at) for known in order.payments] == [
        ("payment-1", "7.50", "CARD", NOON),
        ("fact-1", "12.50", "OTHER", OVERDUE),
    ]


def test_the_short_way_to_shipped_ships_what_is_left() -> None:
    order = a_partly_shipped_order()
    first, second = order.lines
    order.move_to(Status.SHIPPED, fact_id="fact-1", window=CANCEL_WINDOW, by=OPERATOR, at=OVERDUE)
    parcel = order.shipments[-1]
    assert (parcel.shipment_id, parcel.dispatched_at, parcel.delivered_at) == ("fact-1", OVERDUE, None)
    assert parcel.lines == (LineQuantity(first.line_id, 1), LineQuantity(second.line_id, 2))


def test_the_short_way_to_delivered_delivers_only_what_is_under_way() -> None:
    order = a_partly_shipped_order()
    order.deliver("parcel-1", by=SYSTEM, at=NOON)
    order.ship(shipment_id="parcel-2", lines=[LineQuantity(order.lines[1].line_id, 1)], by=SYSTEM, at=NOON)
    order.ship(shipment_id="parcel-3", by=SYSTEM, at=NOON)
    order.take_events()
    order.move_to(Status.DELIVERED, fact_id="fact-1", window=CANCEL_WINDOW, by=OPERATOR, at=OVERDUE)
    assert [parcel.delivered_at for parcel in order.shipments] == [NOON, OVERDUE, OVERDUE]
    assert news_of(order) == [
        events.ShipmentDelivered(shipment_id="parcel-2"),
        events.ShipmentDelivered(shipment_id="parcel-3"),
        events.OrderDelivered(),
    ]


def test_the_short_way_to_canceled_obeys_the_cancel_window() -> None:
    order = a_paid_order(by=OWNER)
    late = NOON + CANCEL_WINDOW + timedelta(microseconds=1)
    with pytest.raises(CancelWindowClosed):
        order.move_to(Status.CANCELED, fact_id="fact-1", window=CANCEL_WINDOW, by=OWNER, at=late)
    order.move_to(Status.CANCELED, fact_id="fact-1", window=CANCEL_WINDOW, by=OPERATOR, at=late)
    assert order.cancellation == Cancellation(reason=CancelReason.OTHER, note="", canceled_at=late)


def test_the_short_way_to_canceled_is_closed_to_the_system_while_there_is_time_to_pay() -> None:
    order = an_order(by=OWNER)
    with pytest.raises(NotAllowed, match="not over yet"):
        order.move_to(Status.CANCELED, fact_id="fact-1", window=CANCEL_WINDOW, by=SYSTEM, at=NOON)
    assert order.status is Status.PENDING


# What a refusal says


@pytest.mark.parametrize(
    ("start", "to", "says"),
    [
        (Status.PENDING, Status.SHIPPED, "A PENDING order cannot become SHIPPED."),
        (Status.DELIVERED, Status.PAID, "A DELIVERED order cannot become PAID."),
    ],
)
def test_a_refusal_names_where_the_order_is_and_what_was_asked(start: Status, to: Status, says: str) -> None:
    with pytest.raises(IllegalTransition) as refusal:
        ORDERS[start]().move_to(to, fact_id="fact-1", window=CANCEL_WINDOW, by=OPERATOR, at=NOON)
    assert str(refusal.value) == says
    assert refusal.value.details() == {"from": start, "to": to, "allowed": ONWARD[start]}


def test_a_payment_for_a_paid_order_is_told_that_it_is_paid() -> None:
    with pytest.raises(IllegalTransition, match=r"^The order is PAID already\.$"):
        OPERATE["record_payment"](a_paid_order(), OPERATOR, NOON)


def test_a_shipped_order_is_refused_by_the_table_itself() -> None:
    with pytest.raises(IllegalTransition, match=r"^A SHIPPED order cannot become CANCELED\.$"):
        OPERATE["cancel"](a_shipped_order(), OPERATOR, NOON)


def test_a_cancellation_after_a_parcel_left_is_told_why() -> None:
    with pytest.raises(IllegalTransition, match="Something has shipped already"):
        OPERATE["cancel"](a_partly_shipped_order(), OPERATOR, NOON)


def test_a_refusal_does_not_offer_what_it_refuses() -> None:
    with pytest.raises(IllegalTransition) as refusal:
        OPERATE["cancel"](a_partly_shipped_order(), OPERATOR, NOON)
    assert refusal.value.allowed == ["SHIPPED"]


def test_no_way_leads_back_to_pending() -> None:
    with pytest.raises(IllegalTransition):
        a_paid_order().move_to(Status.PENDING, fact_id="fact-1", window=CANCEL_WINDOW, by=OPERATOR, at=NOON)


# Known ids do not open a door


def test_a_customer_may_not_ship_even_what_was_shipped() -> None:
    with pytest.raises(NotAllowed):
        a_shipped_order(by=OWNER).ship(shipment_id="parcel-1", by=OWNER, at=NOON)


def test_a_customer_learns_nothing_about_payments_from_recording_one() -> None:
    order = a_paid_order(by=OWNER)
    with pytest.raises(NotAllowed):
        order.record_payment(payment_id="payment-1", amount=order.total, method="CARD", by=STRANGER, at=NOON)


def test_a_customer_without_an_id_owns_no_order() -> None:
    with pytest.raises((ValueError, NotAllowed)):
        OPERATE["cancel"](an_order(by=OWNER), Actor(ActorKind.CUSTOMER), NOON)
