"""What is passed on unread is passed on as it would be if it had been read."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.order import Order
from order_service.told import FREE_TEXT_IN_CHANGES, ToldEvent
from tests.builders import a_line_request
from tests.personal import a_canceled_order_full_of_personal_data, an_order_full_of_personal_data

STRANGE = 'é "Ω" \\ / 😀 \u00a0'


@pytest.mark.parametrize("made", [an_order_full_of_personal_data, a_canceled_order_full_of_personal_data])
async def test_an_event_is_told_in_the_bytes_of_its_document(engine: AsyncEngine, made: Callable[..., Order]) -> None:
    order = made(lines=[a_line_request(name=STRANGE), a_line_request(sku="a-1", quantity=7)])
    async with SqlTransactions(engine).begin() as tx:
        tx.orders.add(order)
        await tx.commit()
    async with SqlEventLog(engine).reader("relay") as reader:
        told = [(event.type, event.payload) for event in await reader.next_batch(100)]
    async with engine.connect() as connection:
        kept = (await connection.execute(text("SELECT type, payload::text FROM order_events ORDER BY seq"))).all()
    assert told == [(event_type, read_and_written(event_type, payload)) for event_type, payload in kept]
    assert len(told) == order.version


def read_and_written(event_type: str, payload: str) -> bytes:
    event = msgspec.json.decode(payload, type=ToldEvent)
    personal = FREE_TEXT_IN_CHANGES.get(event_type, ())
    change = {name: value for name, value in event.change.items() if name not in personal}
    return msgspec.json.encode(replace(event, change=change), order="deterministic")
