"""The promises of `EventArchive`."""

import pytest

from order_service.domain.errors import CursorExpired
from order_service.ports import LoggedEvent, LogPlace
from tests.builders import a_delivered_order, an_order
from tests.contracts.conftest import Persistence
from tests.contracts.test_orders import pay


async def everything(persistence: Persistence, *types: str, limit: int = 3) -> list[LoggedEvent]:
    events: list[LoggedEvent] = []
    start: LogPlace | None = None
    while True:
        page = await persistence.archive.page(start, types=types, limit=limit)
        assert len(page.events) <= limit
        events += page.events
        start = page.next_start
        if page.is_last:
            return events


async def test_an_empty_log_is_one_empty_page(persistence: Persistence) -> None:
    page = await persistence.archive.page(None, types=(), limit=10)
    assert (list(page.events), page.is_last) == ([], True)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_every_event_is_read_once_and_each_order_in_its_order(persistence: Persistence, limit: int) -> None:
    first, second = an_order(), a_delivered_order()
    await persistence.add(first)
    await persistence.add(second)
    events = await everything(persistence, limit=limit)
    assert [(event.order_id, event.seq) for event in events] == [
        (first.id, 1),
        *((second.id, seq) for seq in range(1, second.version + 1)),
    ]
    assert all(event.payload for event in events)


async def test_only_the_types_that_are_named_are_read(persistence: Persistence) -> None:
    await persistence.add(*[a_delivered_order() for _ in range(5)])
    events = await everything(persistence, "order.shipped", "order.paid", limit=2)
    assert [event.type for event in events] == ["order.paid", "order.shipped"] * 5


async def test_who_comes_again_with_the_last_place_reads_what_is_new(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    page = await persistence.archive.page(None, types=(), limit=10)
    assert page.is_last
    known = await persistence.get(order)
    pay(known, "all", "20.00")
    await persistence.save(known)
    news = await persistence.archive.page(page.next_start, types=(), limit=10)
    assert [event.type for event in news.events] == ["order.payment_recorded", "order.paid"]
    again = await persistence.archive.page(news.next_start, types=(), limit=10)
    assert (list(again.events), again.next_start) == ([], news.next_start)


async def test_a_place_in_another_log_is_of_no_use(persistence: Persistence) -> None:
    await persistence.add(an_order())
    here = (await persistence.archive.page(None, types=(), limit=10)).next_start
    with pytest.raises(CursorExpired):
        await persistence.archive.page(LogPlace(here.origin + 1, here.at), types=(), limit=10)
