"""What the service does by itself: screening, telling, and looking after orders that wait."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.errors import AlreadyProcessed, NotAllowed, OrderNotFound
from order_service.domain.lifecycle import CancelReason, ProcessingStatus, Status
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.screening import ScreeningLimits
from order_service.ports import LoggedEvent, LogPosition
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.place_order import WantedLine
from order_service.use_cases.relay_events import RelayEvents
from tests.builders import TIME_TO_PAY
from tests.in_memory.events import InMemoryEventLogReader, ListPublisher
from tests.in_memory.order_views import InMemoryOrderViews
from tests.in_memory.store import Store
from tests.use_cases.shop import MUGS, Shop

A_MINUTE = timedelta(minutes=1)

# Screening


async def test_a_welcome_order_is_processed(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.process_order(order_id)
    order = await shop.see(order_id)
    assert (order.processing_status, order.status) == (ProcessingStatus.PROCESSED, Status.PENDING)
    assert await shop.history(order_id) == ["order.placed", "order.processed"]


async def test_an_unwelcome_order_is_rejected_and_canceled() -> None:
    shop = Shop(screening=ScreeningLimits(largest_total={"EUR": Money(1999, "EUR")}, largest_quantity=1))
    order_id = await shop.a_paid_order_of(await shop.customer())
    await shop.process_order(order_id)
    order = await shop.see(order_id)
    assert (order.processing_status, order.status) == (ProcessingStatus.REJECTED, Status.CANCELED)
    assert order.refund_due == "20.00"
    history = await shop.views.events(order_id, after_seq=0, limit=9)
    [rejected] = [event for event in history if event.type == "order.rejected"]
    assert rejected.change["findings"] == [
        "The total 20.00 is over the limit of 19.99.",
        "The quantity 2 is over the limit of 1.",
    ]


@pytest.mark.parametrize("at_once", [True, False])
async def test_processing_any_number_of_times_takes_effect_once(shop: Shop, ann: Actor, at_once: bool) -> None:
    order_id = await shop.an_order_of(ann)
    if at_once:
        await asyncio.gather(*(shop.process_order(order_id) for _ in range(10)))
    else:
        for _ in range(3):
            await shop.process_order(order_id)
    assert await shop.history(order_id) == ["order.placed", "order.processed"]


async def test_an_order_that_does_not_exist_cannot_be_processed(shop: Shop) -> None:
    with pytest.raises(OrderNotFound):
        await shop.process_order(uuid4())


async def test_an_order_that_left_meanwhile_is_processed_with_the_findings_noted() -> None:
    shop = Shop(screening=ScreeningLimits(largest_quantity=1))
    order_id = await shop.a_paid_order_of(await shop.customer())
    await shop.ship_order(OrderChange(order_id=order_id, by=SYSTEM))
    await shop.process_order(order_id)
    order = await shop.see(order_id)
    assert (order.processing_status, order.status) == (ProcessingStatus.PROCESSED, Status.SHIPPED)


class CuriousViews(InMemoryOrderViews):
    """Notes what it is asked about the customer's history."""

    asked: tuple[str, ...] = ()

    async def count_placed(self, customer_id: UUID, *, since: datetime, before: datetime, at_most: int) -> int:
        self.asked += ("count",)
        return await super().count_placed(customer_id, since=since, before=before, at_most=at_most)

    async def placed_same_lines(self, order: Order, *, since: datetime) -> bool:
        self.asked += ("same lines",)
        return await super().placed_same_lines(order, since=since)


@pytest.mark.parametrize(
    ("limits", "asked"),
    [
        (ScreeningLimits(), ()),
        (ScreeningLimits(largest_quantity=10, largest_total={"EUR": Money(10000, "EUR")}), ()),
        (ScreeningLimits(most_orders_per_hour=5), ("count",)),
        (ScreeningLimits(repeat_window=A_MINUTE), ("same lines",)),
        (ScreeningLimits(most_orders_per_hour=5, repeat_window=A_MINUTE), ("count", "same lines")),
    ],
)
async def test_the_history_is_asked_only_for_what_a_policy_will_look_at(
    limits: ScreeningLimits, asked: tuple[str, ...]
) -> None:
    shop = Shop(screening=limits, views=CuriousViews)
    order_id = await shop.an_order_of(await shop.customer())
    await shop.process_order(order_id)
    assert isinstance(shop.views, CuriousViews)
    assert shop.views.asked == asked


async def test_the_order_after_the_most_per_hour_is_rejected_until_the_hour_is_over() -> None:
    shop = Shop(screening=ScreeningLimits(most_orders_per_hour=2))
    ann, bob = await shop.customer(), await shop.customer("bob@example.com")

    async def outcome(by: Actor) -> ProcessingStatus:
        shop.clock.advance(A_MINUTE)
        order_id = await shop.an_order_of(by)
        await shop.process_order(order_id)
        return (await shop.see(order_id)).processing_status

    welcome, unwelcome = ProcessingStatus.PROCESSED, ProcessingStatus.REJECTED
    assert [await outcome(by) for by in (ann, ann, ann, bob)] == [welcome, welcome, unwelcome, welcome]
    shop.clock.advance(timedelta(hours=1))
    assert await outcome(ann) is welcome


async def test_the_same_lines_again_are_rejected_within_the_window() -> None:
    shop = Shop(screening=ScreeningLimits(repeat_window=timedelta(minutes=5)))
    ann = await shop.customer()
    other = WantedLine(name="Red mug", quantity=2, unit_price="10")
    orders = []
    for lines, wait in ((MUGS, A_MINUTE), (MUGS, A_MINUTE), (other, timedelta(minutes=5)), (MUGS, A_MINUTE)):
        orders.append((await shop.place(ann, lines)).order.order_id)
        shop.clock.advance(wait)
    for order_id in orders:
        await shop.process_order(order_id)
    welcome, unwelcome = ProcessingStatus.PROCESSED, ProcessingStatus.REJECTED
    found = [(await shop.see(order_id)).processing_status for order_id in orders]
    assert found == [welcome, unwelcome, welcome, welcome]


async def test_staff_may_ask_for_screening_while_it_is_due(
    shop: Shop, ann: Actor, bob: Actor, operator: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.request_processing(order_id, by=operator)
    assert shop.jobs.waiting == [order_id]
    with pytest.raises(NotAllowed):
        await shop.request_processing(order_id, by=ann)
    for by, wanted in ((bob, order_id), (operator, uuid4())):
        with pytest.raises(OrderNotFound):
            await shop.request_processing(wanted, by=by)
    await shop.process_order(order_id)
    with pytest.raises(AlreadyProcessed) as refusal:
        await shop.request_processing(order_id, by=operator)
    assert refusal.value.processing_status == "PROCESSED"
    assert shop.jobs.waiting == [order_id]


async def test_orders_that_wait_too_long_are_asked_for_again_the_oldest_first(shop: Shop, ann: Actor) -> None:
    old = []
    for _ in range(3):
        old.append(await shop.an_order_of(ann))
        shop.clock.advance(A_MINUTE)
    done = await shop.an_order_of(ann)
    await shop.process_order(done)
    shop.clock.advance(timedelta(minutes=10))
    new = await shop.an_order_of(ann)
    assert await shop.requeue_stalled_orders(older_than=timedelta(minutes=5), limit=2) == 2
    assert shop.jobs.waiting == old[:2]
    shop.jobs.waiting.clear()
    assert await shop.requeue_stalled_orders(older_than=timedelta(minutes=5)) == 3
    assert shop.jobs.waiting == old
    assert new not in shop.jobs.waiting
    for order_id in shop.jobs.waiting:
        await shop.process_order(order_id)
    assert await shop.requeue_stalled_orders(older_than=timedelta(minutes=5)) == 0


# Telling


def told(events: list[LoggedEvent]) -> list[tuple[UUID, int]]:
    return [(event.order_id, event.seq) for event in events]


async def test_everything_is_told_once_and_in_order(shop: Shop, ann: Actor) -> None:
    first = await shop.an_order_of(ann)
    second = await shop.a_paid_order_of(ann)
    async with shop.log.reader("relay") as reader:
        assert await shop.relay_events(reader, limit=3) == 4
        assert await shop.relay_events(reader, limit=3) == 0
    assert told(shop.publisher.published) == [(first, 1), (second, 1), (second, 2), (second, 3)]
    assert shop.publisher.batches == [3, 1]


async def test_the_next_batch_is_read_while_one_is_published(shop: Shop, ann: Actor) -> None:
    order_id = await shop.a_paid_order_of(ann)
    reader = WatchedReader(shop.store, "relay")
    publisher = WaitingPublisher(reader)
    assert await RelayEvents(publisher)(reader, limit=1) == 3
    assert told(publisher.published) == [(order_id, 1), (order_id, 2), (order_id, 3)]


class WatchedReader(InMemoryEventLogReader):
    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store, name)
        self.read: asyncio.Queue[LogPosition | None] = asyncio.Queue()

    async def next_batch(self, limit: int, *, behind: LogPosition | None = None) -> Sequence[LoggedEvent]:
        batch = await super().next_batch(limit, behind=behind)
        if behind is not None:
            self.read.put_nowait(behind)
        return batch


class WaitingPublisher(ListPublisher):
    """Done only when the reader has read on."""

    def __init__(self, reader: WatchedReader) -> None:
        super().__init__()
        self._reader = reader

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        async with asyncio.timeout(5):
            assert await self._reader.read.get() == events[-1].at
        await super().publish(events)


async def test_when_a_batch_is_refused_nothing_behind_it_is_told_and_nobody_reads_on(shop: Shop, ann: Actor) -> None:
    await shop.a_paid_order_of(ann)
    shop.publisher.broken = ConnectionError("The broker is gone.")
    before = asyncio.all_tasks()
    async with shop.log.reader("relay") as reader:
        with pytest.raises(ConnectionError):
            await shop.relay_events(reader, limit=1)
        assert asyncio.all_tasks() == before
    assert shop.publisher.published == []
    assert shop.store.places == {}


class HalfBlindReader(InMemoryEventLogReader):
    """Cannot read on."""

    async def next_batch(self, limit: int, *, behind: LogPosition | None = None) -> Sequence[LoggedEvent]:
        if behind is not None:
            raise ConnectionError("The log is gone.")
        return await super().next_batch(limit)


async def test_what_was_published_is_known_to_be_even_if_the_next_batch_cannot_be_read(
    shop: Shop, ann: Actor
) -> None:
    order_id = await shop.a_paid_order_of(ann)
    for seq in (1, 2, 3):
        with pytest.raises(ConnectionError):
            await shop.relay_events(HalfBlindReader(shop.store, "relay"), limit=1)
        assert told(shop.publisher.published)[-1] == (order_id, seq)
    assert len(shop.publisher.published) == 3


async def test_what_could_not_be_published_is_published_later(shop: Shop, ann: Actor) -> None:
    order_id = await shop.a_paid_order_of(ann)
    shop.publisher.broken = ConnectionError("The broker is gone.")
    with pytest.raises(ConnectionError):
        async with shop.log.reader("relay") as reader:
            await shop.relay_events(reader)
    assert shop.store.places == {}
    shop.publisher.broken = None
    async with shop.log.reader("relay") as reader:
        assert await shop.relay_events(reader) == 3
    assert told(shop.publisher.published) == [(order_id, 1), (order_id, 2), (order_id, 3)]


class DyingReader(InMemoryEventLogReader):
    async def advance(self, to: LogPosition) -> None:
        raise InterruptedError


async def test_what_was_published_before_a_crash_is_published_again_rather_than_never(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    with pytest.raises(InterruptedError):
        await shop.relay_events(DyingReader(shop.store, "relay"))
    async with shop.log.reader("relay") as reader:
        assert await shop.relay_events(reader) == 1
    assert told(shop.publisher.published) == [(order_id, 1), (order_id, 1)]


async def test_an_empty_log_moves_nothing_and_publishes_nothing(shop: Shop) -> None:
    shop.publisher.broken = AssertionError("There is nothing to publish.")
    async with shop.log.reader("relay") as reader:
        assert await shop.relay_events(reader) == 0
    assert shop.store.places == {}


# Expiring


async def test_an_order_that_nobody_paid_in_time_is_canceled(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    shop.clock.advance(TIME_TO_PAY - timedelta(microseconds=1))
    assert await shop.expire_unpaid_orders() == 0
    shop.clock.advance(timedelta(microseconds=2))
    assert await shop.expire_unpaid_orders() == 1
    assert await shop.expire_unpaid_orders() == 0
    order = await shop.see(order_id)
    assert order.status is Status.CANCELED
    assert order.cancellation is not None
    assert order.cancellation.reason is CancelReason.EXPIRED


async def test_what_was_paid_in_part_is_owed_back_when_the_order_expires(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.pay(order_id, "5.00")
    shop.clock.advance(TIME_TO_PAY + A_MINUTE)
    assert await shop.expire_unpaid_orders() == 1
    assert (await shop.see(order_id)).refund_due == "5.00"


async def test_paid_canceled_and_shipped_orders_do_not_expire(shop: Shop, ann: Actor) -> None:
    paid, canceled, shipped = [await shop.an_order_of(ann) for _ in range(3)]
    for order_id in (paid, shipped):
        await shop.pay(order_id)
    await shop.ship_order(OrderChange(order_id=shipped, by=SYSTEM))
    await shop.cancel_order(OrderChange(order_id=canceled, by=ann), reason=CancelReason.CUSTOMER_REQUEST)
    shop.clock.advance(TIME_TO_PAY + A_MINUTE)
    assert await shop.expire_unpaid_orders() == 0


async def test_an_order_that_is_being_paid_at_the_last_moment_stays_and_the_others_go(shop: Shop, ann: Actor) -> None:
    last_moment, unpaid = await shop.an_order_of(ann), await shop.an_order_of(await shop.customer("bob@example.com"))
    shop.clock.advance(TIME_TO_PAY + A_MINUTE)
    async with shop.transactions.begin() as tx:
        order = await tx.orders.get(last_moment, only_of=None, lock=True)
        order.record_payment(
            payment_id="pay-1", amount=order.open_amount, method="CARD", by=SYSTEM, at=shop.clock.now()
        )
        tx.orders.save(order)
        assert await shop.expire_unpaid_orders() == 1
        await tx.commit()
    assert await shop.expire_unpaid_orders() == 0
    assert (await shop.see(last_moment)).status is Status.PAID
    assert (await shop.see(unpaid)).status is Status.CANCELED


async def test_of_many_who_cancel_unpaid_orders_each_finds_its_own(shop: Shop, ann: Actor) -> None:
    for _ in range(20):
        await shop.an_order_of(ann)
    shop.clock.advance(TIME_TO_PAY + A_MINUTE)
    assert sum(await asyncio.gather(*(shop.expire_unpaid_orders() for _ in range(4)))) == 20


async def test_only_so_many_expire_at_a_time_the_longest_overdue_first(shop: Shop, ann: Actor) -> None:
    orders = []
    for _ in range(3):
        orders.append(await shop.an_order_of(ann))
        shop.clock.advance(A_MINUTE)
    shop.clock.advance(TIME_TO_PAY)
    assert await shop.expire_unpaid_orders(limit=2) == 2
    assert [(await shop.see(order_id)).status for order_id in orders] == [
        Status.CANCELED,
        Status.CANCELED,
        Status.PENDING,
    ]
