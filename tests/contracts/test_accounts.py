"""The promises of `Accounts`."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from order_service.domain.account import Account
from order_service.domain.actor import Role
from order_service.domain.errors import AccountNotFound, EmailTaken
from tests.conftest import PARALLEL
from tests.contracts.conftest import Persistence


def an_account(email: str = "ann@example.com", role: Role = Role.CUSTOMER) -> Account:
    at = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
    return Account.register(id=uuid4(), email=email, password_hash="$argon2id$…", role=role, at=at)


@pytest.mark.parametrize("role", Role)
async def test_an_account_comes_back_as_it_was_added_in_every_field(persistence: Persistence, role: Role) -> None:
    account = an_account(role=role)
    await persistence.commit(lambda tx: tx.accounts.add(account))
    async with persistence.transactions.begin() as tx:
        assert await tx.accounts.get(account.id) == account
        assert await tx.accounts.by_email(account.email) == account


async def test_an_absent_account_is_not_found(persistence: Persistence) -> None:
    await persistence.commit(lambda tx: tx.accounts.add(an_account()))
    async with persistence.transactions.begin() as tx:
        with pytest.raises(AccountNotFound):
            await tx.accounts.get(uuid4())
        assert await tx.accounts.by_email("bob@example.com") is None


async def test_an_account_is_a_copy_and_invisible_before_commit(persistence: Persistence) -> None:
    account = an_account()
    async with persistence.transactions.begin() as tx:
        tx.accounts.add(account)
        account.email = "changed@example.com"
        async with persistence.transactions.begin() as another:
            assert await another.accounts.by_email("ann@example.com") is None
        await tx.commit()
    async with persistence.transactions.begin() as tx:
        known = await tx.accounts.get(account.id)
        assert known.email == "ann@example.com"
        known.password_hash = "unsaved"
        assert (await tx.accounts.get(account.id)).password_hash == account.password_hash


async def test_leaving_without_commit_leaves_no_account(persistence: Persistence) -> None:
    async with persistence.transactions.begin() as tx:
        tx.accounts.add(an_account())
    async with persistence.transactions.begin() as tx:
        assert await tx.accounts.by_email("ann@example.com") is None


async def test_an_email_is_taken_once_without_regard_to_case(persistence: Persistence) -> None:
    first, second = an_account("ann@example.com"), an_account("Ann@Example.com")
    await persistence.commit(lambda tx: tx.accounts.add(first))
    with pytest.raises(EmailTaken):
        await persistence.commit(
            lambda tx: tx.accounts.add(an_account("bob@example.com")), lambda tx: tx.accounts.add(second)
        )
    async with persistence.transactions.begin() as tx:
        assert await tx.accounts.by_email("ann@example.com") == first
        assert await tx.accounts.by_email("bob@example.com") is None


async def test_of_many_who_register_the_same_email_at_once_exactly_one_gets_it(persistence: Persistence) -> None:
    outcomes = await asyncio.gather(
        *(persistence.commit(lambda tx: tx.accounts.add(an_account())) for _ in range(PARALLEL)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes].count(EmailTaken) == PARALLEL - 1
