"""The promises of `Sessions.add`: a session begins only for an account that is as it was read."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from order_service.domain.account import Account
from order_service.domain.actor import SYSTEM, Role, Scope
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound
from order_service.domain.session import Session
from order_service.ports import Transaction
from tests.contracts.conftest import Persistence
from tests.contracts.test_accounts import AT, an_account

MANY = 40


def a_session(account: Account, scopes: frozenset[Scope] | None = None) -> Session:
    return Session.begin(
        id=uuid4(), account_id=account.id, secret=b"secret", at=AT, lifetime=timedelta(days=1), scopes=scopes
    )


async def begin(persistence: Persistence, session: Session, of: Account) -> None:
    await persistence.commit(lambda tx: tx.sessions.add(session, of=of))


async def sessions_of(persistence: Persistence, account: Account) -> list[Session]:
    async with persistence.transactions.begin() as tx:
        return list(await tx.sessions.of(account.id))


async def make_operator(tx: Transaction, account: Account) -> None:
    known = await tx.accounts.get(account.id, lock=True)
    known.give_role(Role.OPERATOR, by=SYSTEM, at=AT)
    tx.accounts.save(known)


@pytest.mark.parametrize("scopes", [None, frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE}), frozenset[Scope]()])
async def test_a_session_comes_back_as_it_began(persistence: Persistence, scopes: frozenset[Scope] | None) -> None:
    account = an_account()
    await persistence.commit(lambda tx: tx.accounts.add(account))
    session = a_session(account, scopes)
    await begin(persistence, session, account)
    assert await sessions_of(persistence, account) == [session]


async def test_nobody_has_no_session(persistence: Persistence) -> None:
    with pytest.raises(AccountNotFound):
        await begin(persistence, a_session(nobody := an_account()), nobody)


async def test_of_many_log_ins_at_once_those_of_changed_accounts_begin_none(persistence: Persistence) -> None:
    accounts = [an_account(f"{number}@example.com") for number in range(MANY)]
    await persistence.commit(*(lambda tx, account=account: tx.accounts.add(account) for account in accounts))
    for account in accounts[::2]:
        async with persistence.transactions.begin() as tx:
            await make_operator(tx, account)
            await tx.commit()
    outcomes = await asyncio.gather(
        *(begin(persistence, a_session(account), account) for account in accounts), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [AccountChangedMeanwhile, type(None)] * (MANY // 2)
    assert [len(await sessions_of(persistence, account)) for account in accounts] == [0, 1] * (MANY // 2)


async def test_whoever_changes_the_account_is_waited_for(persistence: Persistence) -> None:
    account = an_account()
    await persistence.commit(lambda tx: tx.accounts.add(account))
    async with persistence.transactions.begin() as tx:
        await make_operator(tx, account)
        await tx.flush()
        beginning = asyncio.create_task(begin(persistence, a_session(account), account))
        await asyncio.wait({beginning}, timeout=0.1)
        assert not beginning.done()
        await tx.commit()
    with pytest.raises(AccountChangedMeanwhile):
        await beginning
    assert await sessions_of(persistence, account) == []
