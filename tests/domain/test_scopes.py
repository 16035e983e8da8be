"""What a token opens: the table of operations and scopes, written out here once more and compared cell by cell."""

from dataclasses import replace
from uuid import uuid4

import pytest

from order_service.domain.actor import SCOPES_OF, SYSTEM, Actor, ActorKind, Role, Scope, scopes_text
from order_service.domain.errors import IllegalTransition, InsufficientScope, InvalidScope, NotAllowed
from order_service.domain.lifecycle import ALLOWED, NEEDS, PARTY_OF, Operation, Status
from tests.builders import CANCEL_WINDOW, NOON, a_customer, a_service, an_admin, an_operator, an_order
from tests.domain.test_transitions import OPERATE, an_order_for

# What tokens are needed for; to redact is for the service itself alone.
SCOPE_OF = {
    "process": "orders:write",
    "record_payment": "payments:write",
    "record_refund": "payments:write",
    "ship": "shipments:write",
    "deliver": "shipments:write",
    "cancel": "orders:write",
    "cancel_lines": "orders:write",
    "edit_lines": "orders:write",
    "request_return": "orders:write",
    "receive_return": "returns:write",
    "refuse_return": "returns:write",
    "amend": "orders:write",
}

# Where each is possible
START = {
    "ship": "PAID",
    "deliver": "SHIPPED",
    "request_return": "SHIPPED",
    "receive_return": "SHIPPED",
    "refuse_return": "SHIPPED",
    "record_refund": "PAID",
}


@pytest.mark.parametrize("operation", SCOPE_OF)
@pytest.mark.parametrize("scope", Scope)
def test_an_operation_needs_its_scope_and_no_other(operation: str, scope: Scope) -> None:
    order = an_order_for(operation, START.get(operation, "PENDING"))
    before = order.version
    by = replace(an_admin(), scopes=frozenset({scope}))
    if scope == SCOPE_OF[operation]:
        OPERATE[operation](order, by, NOON)
        assert order.version > before
        return
    with pytest.raises(InsufficientScope) as refusal:
        OPERATE[operation](order, by, NOON)
    assert refusal.value.details() == {"scope": SCOPE_OF[operation]}
    assert order.version == before


@pytest.mark.parametrize("operation", SCOPE_OF)
def test_all_scopes_but_the_one_are_not_enough(operation: str) -> None:
    order = an_order_for(operation, START.get(operation, "PENDING"))
    everything_else = frozenset(Scope) - {Scope(SCOPE_OF[operation])}
    with pytest.raises(InsufficientScope):
        OPERATE[operation](order, replace(an_operator(), scopes=everything_else), NOON)


@pytest.mark.parametrize(
    ("to", "scope"),
    [
        (Status.PAID, Scope.PAYMENTS_WRITE),
        (Status.SHIPPED, Scope.SHIPMENTS_WRITE),
        (Status.DELIVERED, Scope.SHIPMENTS_WRITE),
        (Status.CANCELED, Scope.ORDERS_WRITE),
    ],
)
def test_the_short_way_needs_the_scope_of_the_long_way(to: Status, scope: Scope) -> None:
    """And asks for it before it looks whether there is anything to do."""
    everything_else = replace(an_operator(), scopes=frozenset(Scope) - {scope})
    with pytest.raises(InsufficientScope):
        an_order().move_to(to, fact_id="fact-1", window=CANCEL_WINDOW, by=everything_else, at=NOON)


def test_a_scope_opens_nothing_that_the_role_may_not_do() -> None:
    order = an_order_for("ship", "PAID")
    with pytest.raises(NotAllowed) as refusal:
        OPERATE["ship"](order, a_customer(order.customer_id), NOON)
    assert type(refusal.value) is NotAllowed


def test_the_scope_is_asked_for_before_the_status() -> None:
    with pytest.raises(InsufficientScope):
        OPERATE["ship"](an_order(), replace(an_operator(), scopes=frozenset({Scope.ORDERS_READ})), NOON)
    with pytest.raises(IllegalTransition):
        OPERATE["ship"](an_order(), an_operator(), NOON)


def test_placing_needs_a_scope_too() -> None:
    with pytest.raises(InsufficientScope):
        an_order(by=replace(a_customer(), scopes=frozenset({Scope.ORDERS_READ})))


def test_every_operation_has_a_scope_that_all_who_may_do_it_have() -> None:
    """So that nobody is let in by one table and kept out by the other for ever."""
    assert NEEDS.keys() == ALLOWED.keys() == set(Operation)
    for operation, parties in ALLOWED.items():
        kinds = [kind for kind, party in PARTY_OF.items() if party in parties]
        assert all(NEEDS[operation] in SCOPES_OF[kind] for kind in kinds), operation


@pytest.mark.parametrize("operation", SCOPE_OF)
def test_a_service_is_limited_by_its_scopes_in_all_that_it_may_do(operation: str) -> None:
    order = an_order_for(operation, START.get(operation, "PENDING"))
    with pytest.raises(InsufficientScope):
        OPERATE[operation](order, replace(a_service(), scopes=frozenset({Scope.ORDERS_READ})), NOON)
    OPERATE[operation](order, replace(a_service(), scopes=frozenset({Scope(SCOPE_OF[operation])})), NOON)


# Who has what


@pytest.mark.parametrize("role", Role)
def test_who_says_nothing_of_scopes_has_those_of_the_role(role: Role) -> None:
    actor = Actor.account(uuid4(), role)
    assert actor.scopes == SCOPES_OF[actor.kind]
    assert actor.confined_to("") == actor.confined_to("  ") == actor


def test_nobody_has_more_than_the_kind_may() -> None:
    assert replace(a_customer(), scopes=frozenset(Scope)).scopes == SCOPES_OF[ActorKind.CUSTOMER]
    assert Scope.EVENTS_READ not in an_operator().scopes
    assert SYSTEM.scopes == frozenset(Scope)


def test_whoever_asks_for_less_has_less() -> None:
    confined = an_admin().confined_to("orders:read  payments:write orders:read")
    assert confined.scopes == {Scope.ORDERS_READ, Scope.PAYMENTS_WRITE}
    assert scopes_text(confined.scopes) == "orders:read payments:write"


@pytest.mark.parametrize(
    "wanted", ["payments:write", "orders:read events:read", "admin", "orders", "ORDERS:READ", "\0"]
)
def test_whoever_asks_for_what_they_have_not_is_told_what_they_have(wanted: str) -> None:
    with pytest.raises(InvalidScope) as refusal:
        a_customer().confined_to(wanted)
    assert refusal.value.grantable == "orders:read orders:write accounts:read accounts:write"


def test_what_was_given_up_does_not_come_back() -> None:
    with pytest.raises(InvalidScope):
        an_admin().confined_to("orders:read").confined_to("orders:read orders:write")
