import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from order_service.domain.actor import Actor
from order_service.domain.errors import (
    CurrencyUnknown,
    CustomerUnknown,
    ExternalRefTaken,
    IdempotencyKeyReused,
    InvalidField,
    NotAllowed,
    OrderNotFound,
    OrderNumberTaken,
    OrderServiceError,
    TotalMismatch,
)
from order_service.domain.lifecycle import ProcessingStatus, Status
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.place_order import PlaceOrderCommand, WantedLine
from tests.builders import NOON, TIME_TO_PAY
from tests.use_cases.shop import MUGS, Shop, a_key, read


def two_mugs(by: Actor) -> PlaceOrderCommand:
    return PlaceOrderCommand(by=by, currency="EUR", lines=[MUGS])


async def test_a_customer_places_an_order_for_themselves(shop: Shop, ann: Actor) -> None:
    command = replace(two_mugs(ann), total_price="20", external_ref="PO-1", metadata={"channel": "app", "agent": "7"})
    answer = await shop.place_order(command)
    order = read(answer.order)
    assert not answer.replayed
    assert (order.status, order.processing_status) == (Status.PENDING, ProcessingStatus.QUEUED)
    assert (order.customer_id, order.total, order.currency, order.version) == (ann.id, "20.00", "EUR", 1)
    assert (order.external_ref, order.metadata) == ("PO-1", {"channel": "app", "agent": "7"})
    assert (order.placed_at, order.pay_by) == (NOON, NOON + TIME_TO_PAY)
    assert [(line.name, line.sku, line.quantity, line.unit_price, line.total) for line in order.lines] == [
        ("Blue mug", "MUG-BLUE", 2, "10.00", "20.00")
    ]
    assert await shop.views.get(order.id) == answer.order
    assert await shop.history(order.id) == ["order.placed"]


async def test_staff_place_an_order_for_a_customer(shop: Shop, ann: Actor, operator: Actor) -> None:
    answer = await shop.place_order(replace(two_mugs(operator), customer_id=ann.id))
    assert answer.order.customer_id == ann.id
    [event] = await shop.views.events(answer.order.order_id, after_seq=0, limit=9)
    assert (event.actor.kind, event.actor.id) == ("operator", operator.id)


async def test_staff_must_say_for_whom(shop: Shop, operator: Actor) -> None:
    with pytest.raises(NotAllowed):
        await shop.place_order(two_mugs(operator))


async def test_staff_cannot_order_for_a_customer_who_does_not_exist(shop: Shop, operator: Actor) -> None:
    nobody = uuid4()
    with pytest.raises(CustomerUnknown) as refusal:
        await shop.place_order(replace(two_mugs(operator), customer_id=nobody))
    assert refusal.value.customer_id == nobody
    assert await shop.count() == 0


async def test_a_customer_cannot_order_for_another(shop: Shop, ann: Actor, bob: Actor) -> None:
    with pytest.raises(NotAllowed):
        await shop.place_order(replace(two_mugs(ann), customer_id=bob.id))
    assert await shop.count() == 0


async def test_a_customer_may_say_that_the_order_is_their_own(shop: Shop, ann: Actor) -> None:
    answer = await shop.place_order(replace(two_mugs(ann), customer_id=ann.id))
    assert answer.order.customer_id == ann.id


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"lines": []}, InvalidField),
        ({"lines": [replace(MUGS, quantity=0)]}, InvalidField),
        ({"lines": [replace(MUGS, unit_price="1.001")]}, InvalidField),
        ({"currency": "EURO"}, CurrencyUnknown),
        ({"total_price": "20.01"}, TotalMismatch),
        ({"external_ref": ""}, InvalidField),
        ({"metadata": {"k" * 41: "v"}}, InvalidField),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_stored(
    shop: Shop, ann: Actor, change: dict[str, object], refusal: type[OrderServiceError]
) -> None:
    command = replace(two_mugs(ann), idempotency_key=a_key(), **change)  # type: ignore[arg-type]  # of many types
    with pytest.raises(refusal):
        await shop.place_order(command)
    assert await shop.count() == 0
    assert not (await shop.place(ann, key=a_key())).replayed, "a failure leaves no record of its key"


async def test_a_dry_run_prices_the_order_and_stores_nothing(shop: Shop, ann: Actor) -> None:
    command = replace(two_mugs(ann), dry_run=True, external_ref="PO-1", idempotency_key=a_key())
    order = read((await shop.place_order(command)).order)
    assert (order.total, order.status) == ("20.00", Status.PENDING)
    assert await shop.count() == 0
    assert shop.cache.remembered == {}
    with pytest.raises(OrderNotFound):
        await shop.get_order(order.id, by=ann)
    assert not (await shop.place(ann, key=a_key(), external_ref="PO-1")).replayed


async def test_a_dry_run_refuses_what_the_real_one_would(shop: Shop, ann: Actor, operator: Actor) -> None:
    with pytest.raises(CustomerUnknown):
        await shop.place_order(replace(two_mugs(operator), customer_id=uuid4(), dry_run=True))
    await shop.place(ann, external_ref="PO-1")
    with pytest.raises(ExternalRefTaken):
        await shop.place_order(replace(two_mugs(ann), external_ref="PO-1", dry_run=True))


async def test_an_external_ref_belongs_to_one_order_of_a_customer(shop: Shop, ann: Actor, bob: Actor) -> None:
    await shop.place(ann, external_ref="PO-1")
    with pytest.raises(ExternalRefTaken):
        await shop.place(ann, external_ref="PO-1")
    await shop.place(bob, external_ref="PO-1")
    assert await shop.count() == 2


async def test_a_number_that_was_drawn_before_is_drawn_again(
    shop: Shop, ann: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = read((await shop.place(ann)).order).number
    draws = iter([taken, "0000-0000-0011", taken, taken])
    monkeypatch.setattr(shop.ids, "new_order_number", lambda: next(draws))
    assert read((await shop.place(ann)).order).number == "0000-0000-0011"
    with pytest.raises(OrderNumberTaken):
        await shop.place(ann)
    assert await shop.count() == 2


# Idempotency


async def test_a_repetition_gets_the_first_answer_byte_for_byte(shop: Shop, ann: Actor) -> None:
    first = await shop.place(ann, key=a_key(), external_ref="PO-1")
    again = await shop.place(ann, key=a_key(), external_ref="PO-1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order == first.order
    assert await shop.count() == 1
    assert await shop.history(first.order.order_id) == ["order.placed"]


async def test_the_answer_stays_the_first_whatever_happened_to_the_order_since(shop: Shop, ann: Actor) -> None:
    first = await shop.place(ann, key=a_key())
    await shop.pay(first.order.order_id)
    assert (await shop.place(ann, key=a_key())).order == first.order


async def test_a_key_that_came_with_another_request_is_refused(shop: Shop, ann: Actor) -> None:
    await shop.place(ann, key=a_key(of="two mugs"))
    with pytest.raises(IdempotencyKeyReused):
        await shop.place(ann, WantedLine(name="Red mug", quantity=1, unit_price="5"), key=a_key(of="a red mug"))
    assert await shop.count() == 1


async def test_a_key_that_came_with_a_change_of_an_order_is_refused(shop: Shop, ann: Actor, operator: Actor) -> None:
    order_id = await shop.an_order_of(ann)
    change = OrderChange(order_id=order_id, by=operator, idempotency_key=a_key(of="pay"))
    await shop.record_payment(change, payment_id="p", amount="20", method="CARD")
    with pytest.raises(IdempotencyKeyReused):
        await shop.place_order(replace(two_mugs(operator), customer_id=ann.id, idempotency_key=a_key(of="place")))


async def test_the_same_key_of_another_account_is_another_key(shop: Shop, ann: Actor, bob: Actor) -> None:
    anns, bobs = await shop.place(ann, key=a_key()), await shop.place(bob, key=a_key())
    assert not bobs.replayed
    assert anns.order.order_id != bobs.order.order_id


async def test_another_key_or_no_key_makes_another_order(shop: Shop, ann: Actor) -> None:
    for key in (a_key("one"), a_key("two"), None, None):
        assert not (await shop.place(ann, key=key)).replayed
    assert await shop.count() == 4


async def test_twenty_identical_requests_at_once_make_one_order_and_get_identical_answers(
    shop: Shop, ann: Actor
) -> None:
    answers = await asyncio.gather(*(shop.place(ann, key=a_key(), external_ref="PO-1") for _ in range(20)))
    assert len({answer.order for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert await shop.count() == 1
