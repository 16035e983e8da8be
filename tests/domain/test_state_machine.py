"""Whatever anybody does to an order, in whatever sequence, it does what a model of it in plain numbers does.

The model (`model.py`) shares no code with the domain. `--rounds 50000` tries so many steps, or more.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from order_service.domain.actor import SYSTEM
from order_service.domain.editing import Amendment, Keep
from order_service.domain.errors import OrderServiceError
from order_service.domain.events import Event
from order_service.domain.lifecycle import CancelReason, Status
from order_service.domain.lines import LineQuantity, LineRequest
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.views import view_of
from tests.builders import CANCEL_WINDOW, NOON, a_customer, a_line_request, an_operator, an_order
from tests.domain.model import EXPONENTS, LIFE, Asked, Line, ModelOrder, Refused

ONWARD = {"PENDING": Status.PAID, "PAID": Status.SHIPPED, "SHIPPED": Status.DELIVERED}

TALLY: Counter[str] = Counter()
"""What the run came to: steps, mismatches, and how often each verb had each outcome."""

OWNER = a_customer()
ACTORS = {"owner": OWNER, "stranger": a_customer(), "staff": an_operator(), "system": SYSTEM}
NO_LINE = UUID(int=0)

shop = st.sampled_from(["staff", "staff", "staff", "system", "system", "system", "owner", "stranger"])
buyers = st.sampled_from(["owner", "owner", "owner", "staff", "staff", "staff", "system", "stranger"])
"""Mostly those who may, for there is nothing to see of what is never allowed."""
names = st.sampled_from(["first", "second", "third"])
prices = st.sampled_from([0, 1, 250, 1999])
carts = st.lists(st.tuples(st.sampled_from([5, 1, 2, 3]), prices), min_size=1, max_size=3)
currencies = st.sampled_from([None] * 9 + ["CHF"])
places = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 2, 2, None])
"""The so-many-th line of the order; None for a line of another."""
counts = st.sampled_from([1, 1, 1, 1, 1, 2, 2, 3, 0, -1])
baskets = st.lists(st.tuples(places, counts), max_size=3)
edits = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, None, 9, 9, 9]), st.sampled_from([1, 1, 2, 3, 3, 0]), prices),
    max_size=3,
)
"""The so-many-th line, with a new quantity and price; one that there is not is new, None is one of another order."""
refs = st.sampled_from([Keep.KEEP, None, "cart-1", "cart-2", ""])
keys = st.sampled_from(["gift", "channel", "channel", "k" * 41])
metadata = st.dictionaries(keys, st.sampled_from([None, "yes", "web", "v" * 501]), max_size=2)


def told_by(event: Event) -> str:
    """Its name, with the amount or quantity in it."""
    detail = next(
        (getattr(event, name) for name in ("amount", "captured", "total", "quantity") if hasattr(event, name)), ""
    )
    return f"{event.type} {detail}".strip()


def quantities(lines: Sequence[LineQuantity]) -> dict[UUID, int]:
    return {entry.line_id: entry.quantity for entry in lines}


def seen_of(order: Order) -> dict[str, object]:
    """What the model should show too."""
    view = view_of(order)
    texts = ("status", "processing_status", "payment_status", "fulfillment_status", "return_status")
    amounts = ("total", "captured", "refunded", "refund_due")
    return {name: str(getattr(view, name)) for name in texts + amounts} | {
        "open": str(order.open_amount),
        "lines": [
            (line.line_id, line.quantity, line.unit_price, line.shipped, line.canceled, line.returned)
            for line in view.lines
        ],
        "payments": {known.payment_id: known.amount for known in view.payments},
        "refunds": {known.refund_id: known.amount for known in view.refunds},
        "parcels": {
            parcel.shipment_id: (quantities(parcel.lines), parcel.delivered_at is not None)
            for parcel in order.shipments
        },
        "returns": {one.return_id: (quantities(one.lines), one.state.value) for one in order.returns},
        "external_ref": view.external_ref,
        "metadata": view.metadata,
        "paid_at": None if order.paid_at is None else (order.paid_at - NOON) // timedelta(minutes=1),
    }


def identity_of(order: Order) -> tuple[object, ...]:
    return order.id, order.number, order.customer_id, order.currency, order.placed_at, order.pay_by


class OrderAndModel(RuleBasedStateMachine):
    @initialize(
        cart=carts,
        currency=st.sampled_from(sorted(EXPONENTS)),
        begin=st.sampled_from(["UNPAID", "PENDING", "PAID", "SHIPPED", "DELIVERED"]),
        ends_early=st.booleans(),
    )
    def place(self, cart: Sequence[tuple[int, int]], currency: str, begin: str, ends_early: bool) -> None:
        """Goes on to where the life that is tried is to `begin`; nobody ever pays the one that is UNPAID, and nobody
        calls an order off unless it `ends_early`: else most lives would be over before much can happen.
        """
        self.is_paid, self.ends_early = begin != "UNPAID", ends_early
        self.ids = (UUID(int=number) for number in count(1))
        self.now = 0
        lines = {next(self.ids): Line(*entry) for entry in cart}
        self.model = ModelOrder(currency, lines)
        self.order = an_order(
            by=OWNER,
            currency=currency,
            lines=[self.request(None, line_id, line.quantity, line.price) for line_id, line in lines.items()],
        )
        self.identity = identity_of(self.order)
        self.seq = 0
        self.compare(self.model.place(), [told_by(recorded.event) for recorded in self.order.new_events])
        self.read_the_news("owner")
        while begin in LIFE[LIFE.index(self.model.status) + 1 :]:
            self.go("staff", ONWARD[self.model.status])

    # What may be tried

    @rule(minutes=st.sampled_from([1, 29, 60, 24 * 60]))
    def wait(self, minutes: int) -> None:
        self.now += minutes
        self.model.now = self.now

    @rule(by=shop, findings=st.sampled_from([(), ("Too much.",)]))
    def process(self, by: str, findings: tuple[str, ...]) -> None:
        if not self.ends_early:
            findings = ()
        self.attempt(
            "process", by, lambda: self.order.process(findings, by=ACTORS[by], at=self.at),
            lambda: self.model.process(findings, by),
        )  # fmt: skip

    @precondition(lambda self: self.is_paid)
    @rule(by=shop, id=names, share=st.sampled_from(["nothing", "1", "1", "half", "all", "more"]), other=currencies)
    def pay(self, by: str, id: str, share: str, other: str | None) -> None:
        rest = self.model.open
        minor = {"nothing": 0, "1": 1, "half": rest // 2, "all": rest, "more": rest + 1}[share]
        money = Money(minor, other or self.model.currency)
        self.attempt(
            "pay", by,
            lambda: self.order.record_payment(
                payment_id=id, amount=money, method="CARD", by=ACTORS[by], at=self.at
            ),
            lambda: self.model.pay(id, minor, money.currency, by, self.now),
        )  # fmt: skip

    @rule(by=shop, id=names, share=st.sampled_from(["nothing", "1", "due", "due", "all", "more"]), other=currencies)
    def refund(self, by: str, id: str, share: str, other: str | None) -> None:
        rest = self.model.captured - self.model.refunded
        minor = {"nothing": 0, "1": 1, "due": self.model.refund_due, "all": rest, "more": rest + 1}[share]
        money = Money(minor, other or self.model.currency)
        self.attempt(
            "refund", by,
            lambda: self.order.record_refund(refund_id=id, amount=money, reason="", by=ACTORS[by], at=self.at),
            lambda: self.model.refund(id, minor, money.currency, by),
        )  # fmt: skip

    @rule(by=shop, id=names, basket=st.none() | baskets)
    def ship(self, by: str, id: str, basket: list[tuple[int | None, int]] | None) -> None:
        asked, lines = self.named(basket)
        self.attempt(
            "ship", by, lambda: self.order.ship(shipment_id=id, lines=lines, by=ACTORS[by], at=self.at),
            lambda: self.model.ship(id, asked, by),
        )  # fmt: skip

    @rule(by=shop, id=names)
    def deliver(self, by: str, id: str) -> None:
        self.attempt(
            "deliver", by, lambda: self.order.deliver(id, by=ACTORS[by], at=self.at),
            lambda: self.model.deliver(id, by),
        )  # fmt: skip

    @precondition(lambda self: self.ends_early)
    @rule(by=buyers, reason=st.sampled_from(CancelReason))
    def cancel(self, by: str, reason: CancelReason) -> None:
        self.attempt(
            "cancel", by,
            lambda: self.order.cancel(reason=reason, window=CANCEL_WINDOW, by=ACTORS[by], at=self.at),
            lambda: self.model.cancel(reason.value, by, self.now),
        )  # fmt: skip

    @rule(by=shop, basket=baskets)
    def cancel_lines(self, by: str, basket: list[tuple[int | None, int]]) -> None:
        asked, lines = self.named(basket)
        self.attempt(
            "cancel_lines", by,
            lambda: self.order.cancel_lines(
                lines or [], reason=CancelReason.OUT_OF_STOCK, by=ACTORS[by], at=self.at
            ),
            lambda: self.model.cancel_lines(asked, by),
        )  # fmt: skip

    @rule(by=buyers, edit=edits, total=st.sampled_from([None, None, "right", "wrong"]))
    def edit(self, by: str, edit: list[tuple[int | None, int, int]], total: str | None) -> None:
        known = dict(enumerate(self.model.lines))
        wanted = [
            (NO_LINE if place is None else known.get(place), next(self.ids), quantity, price)
            for place, quantity, price in edit
        ]
        self.edit_to(wanted, total, by)

    @rule(by=buyers, total=st.sampled_from([None, "right", "wrong"]))
    def edit_to_the_same(self, by: str, total: str | None) -> None:
        same = [(line_id, next(self.ids), line.quantity, line.price) for line_id, line in self.model.lines.items()]
        self.edit_to(same, total, by)

    @rule(by=buyers, external_ref=refs, changes=metadata)
    def amend(self, by: str, external_ref: str | Keep | None, changes: dict[str, str | None]) -> None:
        amendment = Amendment(external_ref=external_ref, metadata=changes)
        notes = {} if isinstance(external_ref, Keep) else {"external_ref": external_ref}
        self.attempt(
            "amend", by, lambda: self.order.amend(amendment, by=ACTORS[by], at=self.at),
            lambda: self.model.amend(notes, changes, by),
        )  # fmt: skip

    @rule(by=buyers, id=names, basket=st.none() | baskets)
    def request_return(self, by: str, id: str, basket: list[tuple[int | None, int]] | None) -> None:
        asked, lines = self.named(basket)
        self.attempt(
            "request_return", by,
            lambda: self.order.request_return(return_id=id, lines=lines, reason="", by=ACTORS[by], at=self.at),
            lambda: self.model.ask_back(id, asked, by),
        )  # fmt: skip

    @rule(by=shop, id=names)
    def receive_return(self, by: str, id: str) -> None:
        self.attempt(
            "receive_return", by, lambda: self.order.receive_return(id, by=ACTORS[by], at=self.at),
            lambda: self.model.resolve(id, "RECEIVED", by),
        )  # fmt: skip

    @rule(by=shop, id=names)
    def refuse_return(self, by: str, id: str) -> None:
        self.attempt(
            "refuse_return", by, lambda: self.order.refuse_return(id, by=ACTORS[by], at=self.at),
            lambda: self.model.resolve(id, "REFUSED", by),
        )  # fmt: skip

    @rule(by=shop, to=st.sampled_from(Status))
    def move(self, by: str, to: Status) -> None:
        if (to is not Status.CANCELED or self.ends_early) and (to is not Status.PAID or self.is_paid):
            self.go(by, to)

    # What must be so, whatever was done

    @invariant()
    def order_and_model_look_the_same(self) -> None:
        self.compare(self.model.seen(), seen_of(self.order))

    @invariant()
    def it_stays_the_order_that_was_placed(self) -> None:
        self.compare(self.identity, identity_of(self.order))

    @invariant()
    def the_money_adds_up(self) -> None:
        order = self.order
        zero = Money.zero(order.currency)
        assert zero <= order.refunded <= order.captured
        assert zero <= order.refund_due <= order.captured - order.refunded
        assert zero <= order.cost <= order.price <= order.total
        if order.status is Status.CANCELED:
            assert not order.shipments
            assert order.captured == order.refunded + order.refund_due

    @invariant()
    def no_line_ships_or_returns_too_much(self) -> None:
        for line in view_of(self.order).lines:
            assert 0 <= line.shipped + line.canceled <= line.quantity
            assert 0 <= line.returned <= line.shipped

    # How it is tried

    @property
    def at(self) -> datetime:
        return NOON + timedelta(minutes=self.now)

    def request(self, keeps: UUID | None, id: UUID, quantity: int, price: int) -> LineRequest:
        line = a_line_request(line_id=id, quantity=quantity, unit_price=self.model.text(price))
        return line if keeps is None else LineRequest(
            line_id=id, keeps=keeps, name=line.name, sku=line.sku, quantity=quantity, unit_price=line.unit_price
        )  # fmt: skip

    def named(self, basket: list[tuple[int | None, int]] | None) -> tuple[Asked, list[LineQuantity] | None]:
        """The same basket in the model's words and in the order's."""
        if basket is None:
            return None, None
        known = list(self.model.lines)
        asked = [(NO_LINE if place is None else known[place % len(known)], quantity) for place, quantity in basket]
        return asked, [LineQuantity(*entry) for entry in asked]

    def edit_to(self, wanted: Sequence[tuple[UUID | None, UUID, int, int]], total: str | None, by: str) -> None:
        right = sum(quantity * price for *_, quantity, price in wanted)
        minor = {None: None, "right": right, "wrong": right + 1}[total]
        self.attempt(
            "edit", by,
            lambda: self.order.edit_lines(
                [self.request(*entry) for entry in wanted],
                total_price=None if minor is None else self.model.text(minor),
                by=ACTORS[by],
                at=self.at,
            ),
            lambda: self.model.edit(wanted, minor, by),
        )  # fmt: skip

    def go(self, by: str, to: Status) -> None:
        fact_id = f"fact-{self.seq}"
        self.attempt(
            "move", by,
            lambda: self.order.move_to(to, fact_id=fact_id, window=CANCEL_WINDOW, by=ACTORS[by], at=self.at),
            lambda: self.model.move(to.value, fact_id, by, self.now),
        )  # fmt: skip

    def attempt(self, verb: str, by: str, act: Callable[[], None], imagine: Callable[[], list[str]]) -> None:
        """Both do it, or both refuse for the same cause. What did not happen leaves no trace."""
        TALLY["steps"] += 1
        before = deepcopy(self.order)
        expected: list[str] | str
        happened: list[str] | str
        try:
            expected = imagine()
        except Refused as refusal:
            expected = str(refusal)
        try:
            act()
        except OrderServiceError as refusal:
            happened = type(refusal).__name__
        else:
            happened = [told_by(recorded.event) for recorded in self.order.new_events]
        outcome = expected if isinstance(expected, str) else "done" if expected else "same"
        TALLY[f"{verb}: {outcome}"] += 1
        self.compare(expected, happened)
        if outcome != "done":
            self.compare(before, self.order)
        self.read_the_news(by)

    def read_the_news(self, by: str) -> None:
        for recorded in self.order.take_events():
            self.seq += 1
            self.compare((self.seq, ACTORS[by], self.at), (recorded.seq, recorded.by, recorded.at))
            self.compare(self.at, self.order.updated_at)
        self.compare(self.seq, self.order.version)

    def compare(self, expected: object, found: object) -> None:
        if expected != found:
            TALLY["mismatches"] += 1
        assert found == expected


def test_whatever_anybody_does_the_order_does_what_its_model_does(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = int(request.config.getoption("rounds") or 0)
    brief = settings(max_examples=25, suppress_health_check=list(HealthCheck))
    long = settings(brief, max_examples=rounds // 40 + 1, stateful_step_count=50, derandomize=False)
    try:
        run_state_machine_as_test(OrderAndModel, settings=long if rounds else brief)
    finally:
        with capsys.disabled():
            print(f"\nstate machine over the aggregate: {TALLY['steps']} steps, {TALLY['mismatches']} mismatches")
    assert TALLY["steps"] >= rounds
