"""Requests that meet at PostgreSQL: with few connections and many clients, nobody waits for ever and nobody errs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from uuid import UUID

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.transaction import SqlTransactions
from adapters.system import RandomIds, SystemClock
from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.rules import ShopRules
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.idempotency import Answer, IdempotencyKey
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.use_cases.record_payment import RecordPayment
from tests.builders import a_registered_customer, an_operator
from tests.conftest import PARALLEL
from tests.in_memory.order_views import DictOrderCache

KEY = IdempotencyKey(key="key", fingerprint=b"this request")
FEW = 4


class Service:
    def __init__(self, engine: AsyncEngine) -> None:
        self.transactions, self.views = SqlTransactions(engine), SqlOrderViews(engine)
        cache, clock, ids = DictOrderCache(), SystemClock(), RandomIds()
        self._place = PlaceOrder(self.transactions, self.views, clock, ids, ShopRules())
        self._pay = RecordPayment(ChangeOrder(self.transactions, self.views, cache, clock))

    async def place(self, by: Actor, key: IdempotencyKey | None = None) -> Answer:
        lines = [WantedLine(name="Blue mug", quantity=2, unit_price="10")]
        command = PlaceOrderCommand(by=by, currency="EUR", lines=lines, idempotency_key=key, external_ref="PO-1")
        return await self._place(command)

    async def pay(self, order_id: UUID, by: Actor, payment_id: str, key: IdempotencyKey | None = None) -> Answer:
        change = OrderChange(order_id=order_id, by=by, idempotency_key=key)
        return await self._pay(change, payment_id=payment_id, amount="0.01", method="CARD")


@pytest.fixture(params=[PARALLEL, FEW], ids="{} connections".format)
async def service(request: pytest.FixtureRequest, database_url: URL) -> AsyncIterator[Service]:
    engine = create_engine(database_url, pool_size=request.param)
    yield Service(engine)
    await engine.dispose()


async def test_identical_placings_at_once_make_one_order_and_get_identical_answers(service: Service) -> None:
    ann = await a_registered_customer(service.transactions)
    answers = await asyncio.gather(*(service.place(ann, KEY) for _ in range(PARALLEL)))
    assert len({answer.order for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1


async def test_repetitions_at_once_all_get_the_first_answer(service: Service) -> None:
    ann, operator = await a_registered_customer(service.transactions), an_operator()
    placed = await service.place(ann, KEY)
    paid = await service.pay(placed.order.order_id, operator, "payment-1", KEY)
    again = await asyncio.gather(
        *(service.place(ann, KEY) for _ in range(PARALLEL)),
        *(service.pay(placed.order.order_id, operator, "payment-1", KEY) for _ in range(PARALLEL)),
    )
    assert {answer.order for answer in again[:PARALLEL]} == {placed.order}
    assert {answer.order for answer in again[PARALLEL:]} == {paid.order}


async def test_identical_changes_of_a_busy_order_happen_once_and_hold_nobody_up(service: Service) -> None:
    order_id = (await service.place(await a_registered_customer(service.transactions))).order.order_id
    operator = an_operator()
    for round_ in range(3):
        key = IdempotencyKey(key=f"key-{round_}", fingerprint=b"this request")
        requests: list[Coroutine[None, None, Answer]] = []
        for n in range(PARALLEL):
            requests.append(service.pay(order_id, operator, f"keyed-{round_}", key))
            requests.append(service.pay(order_id, SYSTEM, f"other-{round_}-{n}"))
        answers = await asyncio.gather(*requests)
        assert len({answer.order for answer in answers[::2]}) == 1
    async with service.transactions.begin() as tx:
        order = await tx.orders.get(order_id, only_of=None)
    assert len(order.payments) == 3 * (1 + PARALLEL)
    assert order.version == 1 + len(order.payments)
