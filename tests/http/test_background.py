"""From a placed order over the relay and the worker, run by hand, to what the client reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import URL

from adapters.embedded.events import InProcessJobs
from order_service.ports import EventLog
from order_service.use_cases.process_order import ProcessOrder
from order_service.use_cases.relay_events import RelayEvents
from tests.http.shop import Document, Person, Shop, a_line, document, open_shop, order_path


@pytest.fixture
async def fresh(database_url: URL) -> AsyncIterator[Shop]:
    """With a log of its own, for the relay reads all of it."""
    async with open_shop(database_url) as shop:
        yield shop


@pytest.fixture
async def carol(fresh: Shop) -> AsyncIterator[Person]:
    """A customer of the fresh shop."""
    person = await fresh.person()
    async with person.client:
        yield person


async def relay(shop: Shop) -> int:
    """How many events were told."""
    relay_events, told = await shop.container.get(RelayEvents), 0
    async with (await shop.container.get(EventLog)).reader("relay") as reader:
        while batch := await relay_events(reader):
            told += batch
    return told


async def work_until(shop: Shop, *orders: Document) -> None:
    """Runs the worker until it has processed all of these."""
    jobs, process_order = await shop.container.get(InProcessJobs), await shop.container.get(ProcessOrder)
    left, done = {UUID(order["id"]) for order in orders}, asyncio.Event()

    async def process(order_id: UUID, _: str | None) -> None:
        await process_order(order_id)
        left.discard(order_id)
        if not left:
            done.set()

    worker = asyncio.create_task(jobs.work(process))
    await asyncio.wait_for(done.wait(), timeout=10)
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def test_a_placed_order_is_soon_processed(fresh: Shop, carol: Person) -> None:
    placed = await carol.place()

    assert await relay(fresh) == 1
    await work_until(fresh, placed)

    processed = await carol.read(placed)
    assert (processed["status"], processed["processing_status"], processed["version"]) == ("PENDING", "PROCESSED", 2)
    history = document(await carol.get(order_path(placed, "events")))["items"]
    assert [(event["type"], event["actor"]) for event in history] == [
        ("order.placed", {"kind": "customer", "id": str(carol.id)}),
        ("order.processed", {"kind": "system", "id": None}),
    ]


async def test_an_order_that_screening_refuses_is_canceled_with_the_reason(fresh: Shop, carol: Person) -> None:
    placed = await carol.place(lines=[a_line(quantity=10_001)])

    await relay(fresh)
    await work_until(fresh, placed)

    refused = await carol.read(placed)
    assert (refused["status"], refused["processing_status"]) == ("CANCELED", "REJECTED")
    assert refused["cancellation"]["reason"] == "REJECTED"
    assert "10001" in refused["cancellation"]["note"].replace(",", "")


async def test_many_orders_are_processed_once_each(fresh: Shop, carol: Person) -> None:
    placed = [await carol.place() for _ in range(20)]

    assert await relay(fresh) == 20
    await work_until(fresh, *placed)

    assert await relay(fresh) == 20  # that they were processed
    assert await relay(fresh) == 0
    for order in placed:
        assert (await carol.read(order))["version"] == 2


async def test_an_etag_from_before_screening_is_out_of_date_after_it(fresh: Shop, carol: Person) -> None:
    placed = await carol.place()
    await fresh.process(placed)
    answer = await carol.patch(order_path(placed), json={"status": "CANCELED"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, document(answer)["current_version"]) == (412, 2)


async def test_processing_again_changes_nothing(fresh: Shop, carol: Person) -> None:
    placed = await carol.place()
    await fresh.process(placed)
    before = await fresh.rows()
    await fresh.process(placed)
    assert await fresh.rows() == before
