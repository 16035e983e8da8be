"""What many ask at the same time is answered to each as if they had asked alone."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.errors import OrderNotFound
from order_service.domain.order import Order
from tests.builders import after, an_order

CUSTOMERS = 12


@pytest.fixture
async def orders(engine: AsyncEngine) -> list[list[Order]]:
    """Of the first customer one, of the second two, and so on; all of a customer's have the same lines."""
    placed = [[an_order(customer_id=customer) for _ in range(n)] for n, customer in enumerate(_some_ids(), start=1)]
    async with SqlTransactions(engine).begin() as tx:
        for of_one in placed:
            for order in of_one:
                tx.orders.add(order)
        await tx.commit()
    return placed


def _some_ids() -> list[UUID]:
    return [uuid4() for _ in range(CUSTOMERS)]


async def test_each_is_told_of_their_own_orders(engine: AsyncEngine, orders: list[list[Order]]) -> None:
    views = SqlOrderViews(engine)

    async def count(customer_id: UUID, at_most: int) -> int:
        return await views.count_placed(customer_id, since=after(hours=-1), before=after(hours=1), at_most=at_most)

    counts = await asyncio.gather(*(count(of_one[0].customer_id, 8) for of_one in orders), count(uuid4(), 8))
    assert counts == [*(min(n, 8) for n in range(1, CUSTOMERS + 1)), 0]
    of_one = orders[7][0].customer_id
    assert await asyncio.gather(*(count(of_one, at_most) for at_most in (5, 1, 100))) == [5, 1, 8]


async def test_each_is_told_of_their_own_lines(engine: AsyncEngine, orders: list[list[Order]]) -> None:
    views = SqlOrderViews(engine)
    known = [an_order(customer_id=of_one[0].customer_id, at=after(minutes=1)) for of_one in orders]
    strangers = [an_order(customer_id=uuid4(), at=after(minutes=1)) for _ in range(3)]
    asked = [*strangers, *known]
    same = await asyncio.gather(*(views.placed_same_lines(one, since=after(hours=-1)) for one in asked))
    assert same == [False] * 3 + [True] * CUSTOMERS


async def test_each_reads_their_own_order(engine: AsyncEngine, orders: list[list[Order]]) -> None:
    views, asked = SqlOrderViews(engine), [of_one[0].id for of_one in orders]
    *found, missing = await asyncio.gather(*map(views.get, [*asked, uuid4()]), return_exceptions=True)
    assert [one.order_id for one in found if not isinstance(one, BaseException)] == asked
    assert isinstance(missing, OrderNotFound)


async def test_a_question_that_cannot_be_answered_spoils_nobodys_answer(engine: AsyncEngine) -> None:
    heard = GatheredReads(engine).heard
    asked = [("payments", "no text \0" if number == 7 else f"message {number}") for number in range(20)]
    answers = await asyncio.gather(*map(heard, asked), return_exceptions=True)
    assert isinstance(answers.pop(7), asyncpg.CharacterNotInRepertoireError)
    assert answers == [False] * 19
