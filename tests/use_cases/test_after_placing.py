"""Editing, amending, canceling in part, returning and refunding: who may, what it does to the rest, what is told."""

import asyncio
from uuid import uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.editing import Amendment
from order_service.domain.errors import (
    AlreadyPaid,
    CursorExpired,
    ExternalRefTaken,
    IllegalTransition,
    NotAllowed,
    NothingToReturn,
    OrderNotFound,
    VersionMismatch,
)
from order_service.domain.lifecycle import CancelReason, ProcessingStatus, ReturnStatus, Status
from order_service.domain.lines import LineQuantity
from order_service.ports import LogPlace
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.edit_lines import EditedLine
from order_service.use_cases.place_order import PlaceOrderCommand
from order_service.use_cases.read_event_log import ReadEventLogQuery
from order_service.use_cases.run_batch import AmendItem, BatchItem, CancelItem, StatusItem
from tests.builders import a_customer, an_admin, an_operator
from tests.use_cases.shop import MUGS, Shop, a_key, read
from tests.use_cases.test_fulfillment import a_shipped_order_of, change

ONE_POT = EditedLine(name="Pot", quantity=1, unit_price="7.50")

# Editing and amending


async def test_an_edited_order_costs_what_its_new_lines_cost_and_is_screened_again(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.process_order(order_id)
    answer = await shop.edit_lines(change(order_id, ann), lines=[ONE_POT])
    edited = read(answer.order)
    assert (edited.total, edited.processing_status) == ("7.50", ProcessingStatus.QUEUED)
    await shop.follow_order("order.edited", answer.order.order_id)
    assert shop.jobs.waiting == [order_id]


async def test_a_dry_run_of_an_edit_prices_it_and_stores_nothing(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    before = await shop.see(order_id)
    wanted = OrderChange(order_id=order_id, by=ann, dry_run=True)
    assert read((await shop.edit_lines(wanted, lines=[ONE_POT])).order).total == "7.50"
    assert await shop.see(order_id) == before
    assert read(await shop.get_order(order_id, by=ann)) == before


async def test_a_line_that_is_kept_keeps_its_id_and_a_new_one_gets_its_own(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    [mugs] = (await shop.see(order_id)).lines
    more = EditedLine(name=mugs.name, quantity=3, unit_price="10", sku=mugs.sku, line_id=mugs.line_id)
    edited = read((await shop.edit_lines(change(order_id, ann), lines=[more, ONE_POT])).order)
    assert edited.lines[0].line_id == mugs.line_id
    assert edited.lines[1].line_id != mugs.line_id
    assert edited.total == "37.50"


async def test_once_money_came_in_lines_are_not_edited(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.pay(order_id, "1.00")
    with pytest.raises(AlreadyPaid):
        await shop.edit_lines(change(order_id, ann), lines=[ONE_POT])


async def test_what_screening_found_in_the_old_lines_does_not_count_for_the_new_ones(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)

    async def edit_while_it_is_screened() -> None:
        await asyncio.sleep(0)
        await shop.edit_lines(change(order_id, ann), lines=[ONE_POT])

    await asyncio.gather(shop.process_order(order_id), edit_while_it_is_screened())
    assert (await shop.see(order_id)).processing_status is ProcessingStatus.QUEUED


async def test_notes_are_merged_into_those_that_are_there(shop: Shop, ann: Actor) -> None:
    order_id = (await shop.place(ann, external_ref="web-1")).order.order_id
    await shop.amend_order(change(order_id, ann), Amendment(metadata={"a": "1", "b": "2"}))
    amended = read(
        (await shop.amend_order(change(order_id, ann), Amendment(external_ref="web-2", metadata={"a": None}))).order
    )
    assert (amended.external_ref, amended.metadata) == ("web-2", {"b": "2"})


async def test_an_external_ref_of_another_order_is_refused(shop: Shop, ann: Actor) -> None:
    await shop.place(ann, external_ref="web-1")
    order_id = await shop.an_order_of(ann)
    with pytest.raises(ExternalRefTaken):
        await shop.amend_order(change(order_id, ann), Amendment(external_ref="web-1"))


async def test_a_canceled_order_is_amended_by_staff_alone(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    await shop.cancel_order(change(order_id, ann), reason=CancelReason.CUSTOMER_REQUEST)
    with pytest.raises(IllegalTransition):
        await shop.amend_order(change(order_id, ann), Amendment(metadata={"a": "1"}))
    await shop.amend_order(change(order_id, an_operator()), Amendment(metadata={"a": "1"}))
    assert (await shop.see(order_id)).metadata == {"a": "1"}


# Parts of orders, and the way back


async def test_what_is_taken_out_of_a_paid_order_is_owed_back(shop: Shop, ann: Actor) -> None:
    order_id = await shop.a_paid_order_of(ann)
    [mugs] = (await shop.see(order_id)).lines
    one_mug = [LineQuantity(mugs.line_id, 1)]
    with pytest.raises(NotAllowed):
        await shop.cancel_lines(change(order_id, ann), lines=one_mug, reason=CancelReason.OTHER)
    await shop.cancel_lines(change(order_id, an_operator()), lines=one_mug, reason=CancelReason.OUT_OF_STOCK)
    order = await shop.see(order_id)
    assert (order.status, order.refund_due, order.lines[0].canceled) == (Status.PAID, "10.00", 1)
    assert (await shop.history(order_id))[-2:] == ["order.line_canceled", "order.refund_due"]


async def test_goods_come_back_and_the_money_follows(shop: Shop, ann: Actor) -> None:
    shipped = await a_shipped_order_of(shop, ann)
    one_mug = [LineQuantity(shipped.lines[0].line_id, 1)]
    asked = read((await shop.request_return(change(shipped.id, ann), lines=one_mug, reason="chipped")).order)
    assert asked.return_status is ReturnStatus.REQUESTED
    return_id = asked.returns[0].return_id
    with pytest.raises(NotAllowed):
        await shop.receive_return(change(shipped.id, ann), return_id)
    received = read((await shop.receive_return(change(shipped.id, an_operator()), return_id, note="thanks")).order)
    assert (received.return_status, received.refund_due) == (ReturnStatus.PARTIAL, "10.00")
    refunded = read(
        (await shop.record_refund(change(shipped.id), refund_id="refund-1", amount="10", reason="chipped")).order
    )
    assert (refunded.refunded, refunded.refund_due) == ("10.00", "0.00")
    assert (await shop.history(shipped.id))[-4:] == [
        "order.return_requested",
        "order.return_received",
        "order.refund_due",
        "order.refunded",
    ]


async def test_what_a_return_was_refused_for_can_be_asked_for_again(shop: Shop, ann: Actor) -> None:
    shipped = await a_shipped_order_of(shop, ann)
    asked = read((await shop.request_return(change(shipped.id, ann))).order)
    with pytest.raises(NothingToReturn):
        await shop.request_return(change(shipped.id, ann))
    await shop.refuse_return(change(shipped.id), asked.returns[0].return_id)
    assert (await shop.see(shipped.id)).return_status is ReturnStatus.NONE
    assert len(read((await shop.request_return(change(shipped.id, ann))).order).returns) == 2


async def test_a_return_that_is_asked_for_again_with_its_key_is_one_return(shop: Shop, ann: Actor) -> None:
    shipped = await a_shipped_order_of(shop, ann)
    wanted = OrderChange(order_id=shipped.id, by=ann, idempotency_key=a_key())
    first, again = [await shop.request_return(wanted) for _ in range(2)]
    assert (again.order.body, again.replayed) == (first.order.body, True)
    assert len((await shop.see(shipped.id)).returns) == 1


async def test_somebody_elses_order_is_not_there_for_any_of_it(shop: Shop, ann: Actor) -> None:
    shipped, bob = await a_shipped_order_of(shop, ann), a_customer()
    for attempt in (
        shop.request_return(change(shipped.id, bob)),
        shop.amend_order(change(shipped.id, bob), Amendment(metadata={"a": "1"})),
        shop.edit_lines(change(shipped.id, bob), lines=[ONE_POT]),
        shop.stream_order_events(shipped.id, by=bob, after_seq=0),
    ):
        with pytest.raises(OrderNotFound):
            await attempt


# Finding and following


@pytest.mark.parametrize("written", [str, str.lower, lambda number: number.replace("-", "")])
async def test_an_order_is_found_by_its_number_however_it_is_written(shop: Shop, ann: Actor, written: object) -> None:
    order_id = await shop.an_order_of(ann)
    number = (await shop.see(order_id)).number
    assert callable(written)
    assert await shop.find_order(written(number)) == order_id
    assert await shop.find_order(str(order_id)) == order_id


@pytest.mark.parametrize("reference", ["", "x", "AAAA-AAAA-AAAA", "1" * 36, str(uuid4())[:-1]])
async def test_what_is_neither_an_id_nor_a_number_finds_nothing(shop: Shop, reference: str) -> None:
    with pytest.raises(OrderNotFound):
        await shop.find_order(reference)


async def test_a_stream_begins_with_the_history_and_goes_on_with_what_happens(shop: Shop, ann: Actor) -> None:
    order_id = await shop.a_paid_order_of(ann)
    events = await shop.stream_order_events(order_id, by=ann, after_seq=1)
    heard = [(await anext(events)).type for _ in range(2)]
    await shop.ship_order(change(order_id))
    heard += [(await anext(events)).type for _ in range(2)]
    assert heard == ["order.payment_recorded", "order.paid", "order.shipment_dispatched", "order.shipped"]


async def test_the_log_is_for_admins(shop: Shop, ann: Actor) -> None:
    await shop.a_paid_order_of(ann)
    for by in (ann, an_operator(), SYSTEM):
        with pytest.raises(NotAllowed):
            await shop.read_event_log(ReadEventLogQuery(by=by))
    page = await shop.read_event_log(ReadEventLogQuery(by=an_admin(), limit=2))
    assert [event.type for event in page.events] == ["order.placed", "order.payment_recorded"]
    elsewhere = LogPlace(page.next_start.origin + 1, page.next_start.at)
    with pytest.raises(CursorExpired):
        await shop.read_event_log(ReadEventLogQuery(by=an_admin(), start=elsewhere))


# Batches


async def test_an_atomic_batch_is_seen_by_nobody_until_all_of_it_is_done(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    operator = an_operator()
    items: list[BatchItem] = [
        StatusItem(change(order_id, operator), Status.PAID),
        AmendItem(OrderChange(order_id=order_id, by=operator, expected_versions=frozenset({9})), Amendment()),
    ]
    paid, refused = await shop.run_batch(items, atomic=True)
    assert isinstance(refused, VersionMismatch)
    assert str(paid) == "Not done, because item 1 of this atomic batch failed."
    assert (await shop.see(order_id)).status is Status.PENDING
    assert read(await shop.get_order(order_id, by=ann)).status is Status.PENDING


async def test_an_independent_batch_does_what_can_be_done(shop: Shop, ann: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    place = PlaceOrderCommand(by=ann, currency="EUR", lines=[MUGS])
    cancel = CancelItem(wanted=change(order_id, ann), reason=CancelReason.CUSTOMER_REQUEST)
    ship = StatusItem(change(order_id, ann), Status.SHIPPED)
    results = await shop.run_batch([place, ship, cancel], atomic=False)
    assert isinstance(results[1], NotAllowed)
    assert (await shop.see(order_id)).status is Status.CANCELED
    assert await shop.count() == 2
