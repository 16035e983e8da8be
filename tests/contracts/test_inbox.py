"""The promises of `Inbox`."""

import asyncio

import pytest

from order_service.domain.errors import MessageKnown
from tests.conftest import PARALLEL
from tests.contracts.conftest import Persistence


async def test_a_message_is_known_after_commit_and_not_before(persistence: Persistence) -> None:
    async with persistence.transactions.begin() as tx:
        tx.inbox.add("payments", "message-1")
        async with persistence.transactions.begin() as another:
            assert not await another.inbox.has("payments", "message-1")
        await tx.commit()
    async with persistence.transactions.begin() as tx:
        assert await tx.inbox.has("payments", "message-1")


async def test_each_consumer_has_its_own_messages(persistence: Persistence) -> None:
    await persistence.commit(lambda tx: tx.inbox.add("payments", "message-1"))
    async with persistence.transactions.begin() as tx:
        assert not await tx.inbox.has("shipments", "message-1")
        assert not await tx.inbox.has("payments", "message-2")
    await persistence.commit(lambda tx: tx.inbox.add("shipments", "message-1"))
    async with persistence.transactions.begin() as tx:
        assert await tx.inbox.has("shipments", "message-1")


async def test_a_message_takes_effect_once(persistence: Persistence) -> None:
    await persistence.commit(lambda tx: tx.inbox.add("payments", "message-1"))
    with pytest.raises(MessageKnown):
        await persistence.commit(
            lambda tx: tx.inbox.add("payments", "message-2"), lambda tx: tx.inbox.add("payments", "message-1")
        )
    async with persistence.transactions.begin() as tx:
        assert not await tx.inbox.has("payments", "message-2")


async def test_of_many_at_once_exactly_one_takes_effect(persistence: Persistence) -> None:
    outcomes = await asyncio.gather(
        *(persistence.commit(lambda tx: tx.inbox.add("payments", "message-1")) for _ in range(PARALLEL)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes].count(MessageKnown) == PARALLEL - 1
