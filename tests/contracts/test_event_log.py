"""The promises of `EventLog` and its reader."""

import asyncio
import json
from contextlib import suppress
from uuid import UUID

import pytest

from order_service.ports import EventLogReader, LoggedEvent
from tests.builders import NOON, a_delivered_order, an_order, as_told
from tests.contracts.conftest import Persistence
from tests.contracts.test_orders import pay
from tests.personal import an_order_full_of_personal_data, is_personal


def places(events: list[LoggedEvent]) -> list[tuple[UUID, int]]:
    return [(event.order_id, event.seq) for event in events]


async def the_rest(reader: EventLogReader, *, limit: int = 100) -> list[LoggedEvent]:
    """Reads and advances until there is no more."""
    events: list[LoggedEvent] = []
    while batch := await reader.next_batch(limit):
        assert len(batch) <= limit
        events += batch
        await reader.advance(batch[-1].at)
    return events


async def test_an_empty_log_gives_nothing(persistence: Persistence) -> None:
    async with persistence.log.reader("relay") as reader:
        assert list(await reader.next_batch(10)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_every_event_comes_once_in_the_order_of_commits(persistence: Persistence, limit: int) -> None:
    first, second = an_order(), a_delivered_order()
    await persistence.add(first)
    await persistence.add(second)
    known = await persistence.get(first)
    pay(known, "all", "20.00")
    await persistence.save(known)
    async with persistence.log.reader("relay") as reader:
        events = await the_rest(reader, limit=limit)
    assert places(events) == [
        (first.id, 1),
        *((second.id, seq) for seq in range(1, second.version + 1)),
        (first.id, 2),
        (first.id, 3),
    ]
    ats = [(event.at.tx_id, event.at.position) for event in events]
    assert ats == sorted(set(ats))


async def test_an_event_carries_the_order_after_the_change_and_who_did_what(persistence: Persistence) -> None:
    order = an_order()
    [added] = await persistence.add(order)
    async with persistence.log.reader("relay") as reader:
        [event] = await reader.next_batch(10)
    [entry] = await persistence.views.events(order.id, after_seq=0, limit=10)
    assert (event.id, event.order_id, event.seq, event.type) == (entry.id, order.id, 1, "order.placed")
    assert event.occurred_at == NOON
    assert json.loads(event.payload) == {
        "order": as_told(added),
        "change": {"total": "20.00", "currency": "EUR"},
        "seq": 1,
        "actor": {"kind": "customer", "id": str(order.customer_id)},
    }


async def test_nothing_that_a_person_wrote_is_told(persistence: Persistence) -> None:
    order = an_order_full_of_personal_data()
    [added] = await persistence.add(order)
    assert is_personal(added.body)
    async with persistence.log.reader("relay") as reader:
        events = await the_rest(reader)
    archived = (await persistence.archive.page(None, types=(), limit=100)).events
    assert len(events) == len(archived) == order.version
    assert [event for event in (*events, *archived) if is_personal(event.payload)] == []


async def test_what_is_not_committed_is_not_told(persistence: Persistence) -> None:
    async with persistence.transactions.begin() as tx:
        tx.orders.add(an_order())
    async with persistence.log.reader("relay") as reader:
        assert list(await reader.next_batch(10)) == []


async def test_a_batch_comes_again_until_the_reader_advances(persistence: Persistence) -> None:
    await persistence.add(a_delivered_order())
    async with persistence.log.reader("relay") as reader:
        batch = await reader.next_batch(3)
        assert await reader.next_batch(3) == batch
        assert await reader.next_batch(2) == batch[:2]
        await reader.advance(batch[1].at)
        assert (await reader.next_batch(3))[0] == batch[2]


async def test_reading_ahead_moves_nothing(persistence: Persistence) -> None:
    order = a_delivered_order()
    await persistence.add(order)
    async with persistence.log.reader("relay") as reader:
        batch = await reader.next_batch(2)
        ahead = await reader.next_batch(2, behind=batch[1].at)
        assert places([*batch, *ahead]) == [(order.id, seq) for seq in range(1, 5)]
        assert await reader.next_batch(2) == batch
        await reader.advance(batch[1].at)
        assert await reader.next_batch(2) == ahead


async def test_the_next_reader_goes_on_where_the_last_one_advanced_to(persistence: Persistence) -> None:
    order = a_delivered_order()
    await persistence.add(order)
    async with persistence.log.reader("relay") as reader:
        batch = await reader.next_batch(4)
        await reader.advance(batch[2].at)
    async with persistence.log.reader("relay") as reader:
        assert places(await the_rest(reader)) == [(order.id, seq) for seq in range(4, order.version + 1)]
    later = an_order()
    await persistence.add(later)
    async with persistence.log.reader("relay") as reader:
        assert places(await the_rest(reader)) == [(later.id, 1)]


async def test_each_name_has_its_own_place(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    async with persistence.log.reader("relay") as relay, persistence.log.reader("archive") as archive:
        assert places(await the_rest(relay)) == [(order.id, 1)]
        assert places(await the_rest(archive)) == [(order.id, 1)]


@pytest.mark.parametrize("how_it_ends", ["leaves", "fails"])
async def test_a_second_reader_waits_until_the_first_is_gone_and_goes_on_from_there(
    persistence: Persistence, how_it_ends: str
) -> None:
    order = a_delivered_order()
    await persistence.add(order)

    async def second() -> list[LoggedEvent]:
        async with persistence.log.reader("relay") as reader:
            return await the_rest(reader)

    with suppress(ZeroDivisionError):
        async with persistence.log.reader("relay") as reader:
            standing_by = asyncio.create_task(second())
            _, waiting = await asyncio.wait({standing_by}, timeout=0.1)
            [event] = await reader.next_batch(1)
            await reader.advance(event.at)
            if how_it_ends == "fails":
                raise ZeroDivisionError
    assert waiting
    assert places(await standing_by) == [(order.id, seq) for seq in range(2, order.version + 1)]


async def test_of_many_readers_only_one_is_active_at_a_time(persistence: Persistence) -> None:
    orders = [an_order() for _ in range(4)]
    await persistence.add(*orders)
    active: set[int] = set()

    async def read(n: int) -> list[LoggedEvent]:
        async with persistence.log.reader("relay") as reader:
            active.add(n)
            [event] = await reader.next_batch(1)
            await reader.advance(event.at)
            assert active == {n}
            active.remove(n)
            return [event]

    told = await asyncio.gather(*map(read, range(4)))
    assert sorted(places([event for events in told for event in events])) == sorted((o.id, 1) for o in orders)


async def test_an_order_that_many_change_is_told_in_the_order_of_its_versions(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)

    async def change(n: int) -> None:
        async with persistence.transactions.begin() as tx:
            known = await tx.orders.get(order.id, only_of=None, lock=True)
            pay(known, f"payment-{n}", "15.00")
            tx.orders.save(known)
            await tx.commit()

    await asyncio.gather(*map(change, range(8)))
    version = (await persistence.get(order)).version
    async with persistence.log.reader("relay") as reader:
        assert places(await the_rest(reader, limit=3)) == [(order.id, seq) for seq in range(1, version + 1)]
