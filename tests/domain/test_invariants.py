"""Whatever anybody does to an order, in whatever sequence, it keeps its rules.

Beside the order runs a model of it: plain numbers and sets, from which all that an order derives is worked out again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from order_service.domain import events
from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import OrderServiceError
from order_service.domain.lifecycle import CancelReason, ProcessingStatus, Status
from order_service.domain.lines import LineQuantity
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.views import view_of
from tests.builders import CANCEL_WINDOW, NOON, a_customer, a_line_request, an_operator, an_order

OWNER, STRANGER, STAFF = a_customer(), a_customer(), an_operator()

actors = st.sampled_from([STAFF, SYSTEM, OWNER, STRANGER])
shop = st.sampled_from([STAFF, SYSTEM])
payment_ids = st.sampled_from(["payment-1", "payment-2", "payment-3"])
parcel_ids = st.sampled_from(["parcel-1", "parcel-2", "parcel-3"])
carts = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 1, 250, 1999])), min_size=1, max_size=3)
shares = st.sampled_from(["nothing", "a little", "half", "rest", "too much"])


def facts_of(order: Order) -> tuple[object, ...]:
    return order.payments, order.shipments, order.cancellation, order.processing_status


def identity_of(order: Order) -> tuple[object, ...]:
    return order.id, order.number, order.customer_id, order.currency, order.placed_at, order.lines, order.pay_by


class LifeOfAnOrder(RuleBasedStateMachine):
    @initialize(cart=carts, currency=st.sampled_from(["EUR", "JPY", "KWD"]))
    def place(self, cart: Sequence[tuple[int, int]], currency: str) -> None:
        self.currency = currency
        self.order = an_order(
            by=OWNER,
            currency=currency,
            lines=[a_line_request(quantity=quantity, unit_price=self.text(price)) for quantity, price in cart],
        )
        self.identity = identity_of(self.order)
        self.now = NOON
        self.history: list[events.Recorded] = []

        self.ordered = {line.line_id: quantity for line, (quantity, _) in zip(self.order.lines, cart, strict=True)}
        self.total = sum(quantity * price for quantity, price in cart)
        self.payments: dict[str, int] = {}
        self.parcels: dict[str, Mapping[UUID, int]] = {}
        self.arrived: set[str] = set()
        self.canceled = False
        self.screened = ProcessingStatus.QUEUED

    # What may be tried

    @rule(minutes=st.sampled_from([1, 29, 60, 24 * 60]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(by=actors, findings=st.sampled_from([(), (), ("Too much.",)]))
    def screen(self, by: Actor, findings: tuple[str, ...]) -> None:
        done = self.attempt(lambda: self.order.process(findings, by=by, at=self.now), by)
        if done and self.screened is ProcessingStatus.QUEUED:
            rejected = bool(findings) and not self.parcels and not self.canceled
            self.screened = ProcessingStatus.REJECTED if rejected else ProcessingStatus.PROCESSED
            self.canceled |= rejected

    @rule(by=actors, id=payment_ids, share=shares, currency=st.sampled_from([None, None, None, "CHF"]))
    def pay(self, by: Actor, id: str, share: str, currency: str | None) -> None:
        rest = self.open
        minor = {"nothing": 0, "a little": 1, "half": rest // 2, "rest": rest, "too much": rest + 1}[share]
        amount = Money(minor, currency or self.currency)
        done = self.attempt(
            lambda: self.order.record_payment(payment_id=id, amount=amount, method="CARD", by=by, at=self.now), by
        )
        if by is SYSTEM and minor and not currency:
            assert done, "facts cannot be refused"
        if done:
            self.payments.setdefault(id, minor)

    @rule(by=actors, id=parcel_ids, quantities=st.none() | st.lists(st.integers(-1, 3), max_size=3))
    def ship(self, by: Actor, id: str, quantities: list[int] | None) -> None:
        lines = None
        if quantities is not None:
            lines = [LineQuantity(*entry) for entry in zip(self.ordered, quantities, strict=False)]
        done = self.attempt(lambda: self.order.ship(shipment_id=id, lines=lines, by=by, at=self.now), by)
        if done and id not in self.parcels:
            self.parcels[id] = self.left if lines is None else {line.line_id: line.quantity for line in lines}

    @rule(by=actors, id=parcel_ids)
    def deliver(self, by: Actor, id: str) -> None:
        if self.attempt(lambda: self.order.deliver(id, by=by, at=self.now), by):
            self.arrived.add(id)

    @rule(by=actors, reason=st.sampled_from(CancelReason))
    def cancel(self, by: Actor, reason: CancelReason) -> None:
        if self.attempt(lambda: self.order.cancel(reason=reason, window=CANCEL_WINDOW, by=by, at=self.now), by):
            self.canceled = True

    @rule(by=actors, to=st.sampled_from([status for status in Status if status is not Status.PENDING]))
    def move(self, by: Actor, to: Status) -> None:
        self.go(by, to)

    @rule(by=shop)
    def go_on(self, by: Actor) -> None:
        """So that not every life is cut short by chance."""
        onward = {Status.PENDING: Status.PAID, Status.PAID: Status.SHIPPED, Status.SHIPPED: Status.DELIVERED}
        if self.status in onward:
            assert self.go(by, onward[self.status]), "the way on is open to the shop"

    # What follows, worked out without the order

    @property
    def captured(self) -> int:
        return sum(self.payments.values())

    @property
    def open(self) -> int:
        return 0 if self.canceled else max(self.total - self.captured, 0)

    @property
    def refund_due(self) -> int:
        return self.captured if self.canceled else max(self.captured - self.total, 0)

    @property
    def shipped(self) -> Counter[UUID]:
        shipped: Counter[UUID] = Counter()
        for parcel in self.parcels.values():
            shipped.update(parcel)
        return shipped

    @property
    def left(self) -> dict[UUID, int]:
        return {line: left for line, ordered in self.ordered.items() if (left := ordered - self.shipped[line])}

    @property
    def status(self) -> Status:
        if self.canceled:
            return Status.CANCELED
        if not self.left:
            return Status.DELIVERED if self.arrived >= set(self.parcels) else Status.SHIPPED
        return Status.PENDING if self.open else Status.PAID

    # The rules

    @invariant()
    def the_facts_are_what_was_done(self) -> None:
        order = self.order
        assert {payment.payment_id: payment.amount.minor for payment in order.payments} == self.payments
        assert {parcel.shipment_id: {entry.line_id: entry.quantity for entry in parcel.lines}
                for parcel in order.shipments} == self.parcels  # fmt: skip
        assert {parcel.shipment_id for parcel in order.shipments if parcel.delivered_at} == self.arrived
        assert (order.cancellation is not None) is self.canceled
        assert order.processing_status is self.screened

    @invariant()
    def the_status_is_a_function_of_the_facts(self) -> None:
        order = self.order
        assert order.status is self.status
        if not self.parcels:
            assert order.fulfillment_status == "UNFULFILLED"
        elif self.left:
            assert order.fulfillment_status == "PARTIAL"
        else:
            assert order.fulfillment_status.value == self.status.value
        if not self.canceled:
            nothing_came = self.total and not self.captured
            assert order.payment_status == ("UNPAID" if nothing_came else "PARTIALLY_PAID" if self.open else "PAID")

    @invariant()
    def the_money_adds_up(self) -> None:
        order = self.order
        assert order.total.minor == self.total == sum(line.total.minor for line in order.lines)
        assert 0 <= order.refunded.minor <= order.captured.minor == self.captured
        assert order.refund_due.minor == self.refund_due
        assert order.open_amount.minor == self.open
        money = [order.total, order.cost, order.captured, order.refunded, order.refund_due, order.open_amount]
        assert {amount.currency for amount in money} == {self.currency}

    @invariant()
    def nothing_ships_twice_or_unpaid_or_after_the_end(self) -> None:
        for line in self.order.lines:
            assert 0 <= self.shipped[line.line_id] + line.canceled <= line.quantity
        for parcel in self.parcels.values():
            assert parcel
            assert all(quantity > 0 for quantity in parcel.values())
        if self.parcels:
            assert self.captured >= self.total
            assert not self.canceled

    @invariant()
    def what_is_canceled_owes_all_that_came_in(self) -> None:
        if self.order.status is Status.CANCELED:
            assert not self.order.shipments
            assert self.order.captured == self.order.refunded + self.order.refund_due

    @invariant()
    def what_it_is_never_changes(self) -> None:
        assert identity_of(self.order) == self.identity

    @invariant()
    def the_history_has_no_gap_and_tells_the_same(self) -> None:
        self.history += self.order.take_events()
        assert [entry.seq for entry in self.history] == list(range(1, self.order.version + 1))
        assert self.history[-1].at == self.order.updated_at
        news = [entry.event for entry in self.history]

        paid = {event.payment_id: event.amount for event in news if isinstance(event, events.PaymentRecorded)}
        assert paid == {known: self.text(minor) for known, minor in self.payments.items()}
        sent = {event.shipment_id: event.quantities for event in news if isinstance(event, events.ShipmentDispatched)}
        assert sent == {
            known: {str(line): quantity for line, quantity in parcel.items()}
            for known, parcel in self.parcels.items()
        }
        owed = [event.amount for event in news if isinstance(event, events.RefundDue)]
        assert (owed or [self.text(0)])[-1] == self.text(self.refund_due)
        turns = Counter(event.type for event in news)
        assert turns["order.placed"] == 1
        assert turns["order.shipped"] == (self.status in {Status.SHIPPED, Status.DELIVERED})
        assert turns["order.delivered"] == (self.status is Status.DELIVERED)
        assert turns["order.canceled"] == self.canceled
        assert turns["order.paid"] <= 1
        if not self.canceled:
            assert turns["order.paid"] == (not self.open)

    @invariant()
    def everybody_sees_the_order_as_it_is(self) -> None:
        view = view_of(self.order)
        assert (view.status, view.version) == (self.status, self.order.version)
        assert (view.total, view.captured, view.refunded, view.refund_due) == tuple(
            self.text(minor) for minor in (self.total, self.captured, 0, self.refund_due)
        )
        assert {line.line_id: line.shipped for line in view.lines} == {
            line: self.shipped[line] for line in self.ordered
        }

    # How it is tried

    def text(self, minor: int) -> str:
        return str(Money(minor, self.currency))

    def go(self, by: Actor, to: Status) -> bool:
        rest, left, under_way, start = self.open, self.left, set(self.parcels) - self.arrived, self.status
        fact_id = f"fact-{len(self.history)}"
        done = self.attempt(
            lambda: self.order.move_to(to, fact_id=fact_id, window=CANCEL_WINDOW, by=by, at=self.now), by
        )
        if done and to is not start:
            match to:
                case Status.PAID:
                    self.payments[fact_id] = rest
                case Status.SHIPPED:
                    self.parcels[fact_id] = left
                case Status.DELIVERED:
                    self.arrived |= under_way
                case _:
                    self.canceled = True
        return done

    def attempt(self, act: Callable[[], None], by: Actor) -> bool:
        """Whether the order went along. A refusal leaves it exactly as it was; no change leaves no trace."""
        before = deepcopy(self.order)
        try:
            act()
        except OrderServiceError:
            assert self.order == before
            return False
        if facts_of(self.order) == facts_of(before):
            assert self.order == before
        else:
            assert self.order.version > before.version
            assert by is not STRANGER
        return True


TestLifeOfAnOrder = LifeOfAnOrder.TestCase
