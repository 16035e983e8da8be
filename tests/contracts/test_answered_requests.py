"""The promises of `AnsweredRequests`."""

import asyncio
from uuid import uuid4

import pytest

from order_service.domain.errors import IdempotencyKeyTaken
from order_service.ports import AnsweredRequest
from tests.conftest import PARALLEL
from tests.contracts.conftest import Persistence


def an_answer() -> AnsweredRequest:
    return AnsweredRequest(fingerprint=b"\x00\xff any bytes", order_id=uuid4(), version=3)


async def test_what_was_remembered_is_found(persistence: Persistence) -> None:
    subject, answer = uuid4(), an_answer()
    await persistence.commit(lambda tx: tx.answered.remember(subject, "the key / ключ", answer))
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "the key / ключ") == answer


async def test_another_key_and_another_accounts_same_key_are_not_found(persistence: Persistence) -> None:
    subject = uuid4()
    await persistence.commit(lambda tx: tx.answered.remember(subject, "key", an_answer()))
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "Key") is None
        assert await tx.answered.find(uuid4(), "key") is None


async def test_two_accounts_may_use_the_same_key(persistence: Persistence) -> None:
    answers = {uuid4(): an_answer(), uuid4(): an_answer()}
    for subject, answer in answers.items():
        await persistence.commit(lambda tx, s=subject, a=answer: tx.answered.remember(s, "key", a))  # type: ignore[misc]  # bound
    async with persistence.transactions.begin() as tx:
        assert {subject: await tx.answered.find(subject, "key") for subject in answers} == answers


@pytest.mark.parametrize("same_answer", [True, False])
async def test_a_key_is_taken_once_and_the_first_answer_stays(persistence: Persistence, same_answer: bool) -> None:
    subject, first = uuid4(), an_answer()
    second = first if same_answer else an_answer()
    await persistence.commit(lambda tx: tx.answered.remember(subject, "key", first))
    with pytest.raises(IdempotencyKeyTaken):
        await persistence.commit(lambda tx: tx.answered.remember(subject, "key", second))
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "key") == first


async def test_of_many_at_once_exactly_one_gets_the_key(persistence: Persistence) -> None:
    subject, answers = uuid4(), [an_answer() for _ in range(PARALLEL)]
    all_looked = asyncio.Barrier(PARALLEL)

    async def remember(answer: AnsweredRequest) -> None:
        async with persistence.transactions.begin() as tx:
            assert await tx.answered.find(subject, "key") is None
            await all_looked.wait()
            tx.answered.remember(subject, "key", answer)
            await tx.commit()

    outcomes = await asyncio.gather(*map(remember, answers), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(IdempotencyKeyTaken) == PARALLEL - 1
    async with persistence.transactions.begin() as tx:
        assert await tx.answered.find(subject, "key") == answers[outcomes.index(None)]
