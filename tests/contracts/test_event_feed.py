"""The promises of `EventFeed`."""

import asyncio
from collections.abc import AsyncIterator

from order_service.domain.order import Order
from order_service.views import EventView
from tests.builders import an_order
from tests.contracts.conftest import Persistence
from tests.contracts.test_orders import pay

PATIENCE_SECONDS = 10


async def change(persistence: Persistence, order: Order, payment_id: str) -> None:
    known = await persistence.get(order)
    pay(known, payment_id, "1.00")
    await persistence.save(known)


async def until(news: AsyncIterator[EventView], seq: int) -> list[int]:
    """The seqs that were heard, up to this one."""
    heard: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in news:
            heard.append(event.seq)
            if event.seq >= seq:
                break
    return heard


def at_most_once_in_order(heard: list[int], *, first_new: int) -> bool:
    """All new ones; perhaps some from just before."""
    return heard == list(range(heard[0], heard[-1] + 1)) and heard[0] <= first_new


async def test_what_happens_from_now_on_is_heard_in_order(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    async with persistence.feed.follow(order.id) as news:
        for number in range(5):
            await change(persistence, order, f"payment {number}")
        assert at_most_once_in_order(await until(news, 6), first_new=2)


async def test_everybody_who_listens_hears_it_and_nobody_else(persistence: Persistence) -> None:
    order, other = an_order(), an_order()
    await persistence.add(order, other)
    async with (
        persistence.feed.follow(order.id) as one,
        persistence.feed.follow(order.id) as two,
        persistence.feed.follow(other.id) as others,
    ):
        await change(persistence, order, "first")
        await change(persistence, order, "second")
        await change(persistence, other, "only")
        for news, last in ((one, 3), (two, 3), (others, 2)):
            assert at_most_once_in_order(await until(news, last), first_new=2)


async def test_many_changes_by_many_writers_are_all_heard(persistence: Persistence) -> None:
    orders = [an_order() for _ in range(8)]
    await persistence.add(*orders)

    async def write(order: Order) -> None:
        for number in range(5):
            await change(persistence, order, f"payment {number}")

    async def listen(order: Order) -> list[int]:
        async with persistence.feed.follow(order.id) as news:
            listening.release()
            return await until(news, 6)

    listening = asyncio.Semaphore(0)
    heard = asyncio.gather(*(listen(order) for order in orders))
    for _ in orders:
        await listening.acquire()
    await asyncio.gather(*(write(order) for order in orders))
    assert all(at_most_once_in_order(each, first_new=2) for each in await heard)


async def test_who_stops_listening_can_begin_again(persistence: Persistence) -> None:
    order = an_order()
    await persistence.add(order)
    async with persistence.feed.follow(order.id):
        pass
    async with persistence.feed.follow(order.id) as news:
        await change(persistence, order, "first")
        assert (await until(news, 2))[-1] == 2
