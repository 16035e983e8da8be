"""The promises of `Accounts` and `AccountViews`."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from order_service.domain.account import Account
from order_service.domain.actor import SYSTEM, Role
from order_service.domain.errors import AccountChangedMeanwhile, AccountNotFound, EmailTaken
from order_service.ports import AccountFilter
from tests.conftest import PARALLEL
from tests.contracts.conftest import Persistence

AT = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def an_account(email: str = "ann@example.com", role: Role = Role.CUSTOMER) -> Account:
    return Account.register(id=uuid4(), email=email, password_hash="$argon2id$…", role=role, at=AT)


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


async def test_an_absent_account_cannot_be_kept(persistence: Persistence) -> None:
    async def keep() -> None:
        async with persistence.transactions.begin() as tx:
            await tx.accounts.keep(uuid4())
            await tx.flush()

    with pytest.raises(AccountNotFound):
        await keep()


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


async def test_a_change_comes_back_with_its_version_and_its_event(persistence: Persistence) -> None:
    account = an_account()
    await persistence.commit(lambda tx: tx.accounts.add(account))
    async with persistence.transactions.begin() as tx:
        loaded = await tx.accounts.get(account.id, lock=True)
        loaded.give_role(Role.OPERATOR, by=SYSTEM, at=AT)
        loaded.change_email("ann@example.org", by=loaded.actor, at=AT)
        tx.accounts.save(loaded)
        await tx.commit()
    async with persistence.transactions.begin() as tx:
        assert await tx.accounts.get(account.id) == loaded
    assert loaded.version == 3
    events = await persistence.account_views.events(account.id, after_seq=0, limit=10)
    assert [(event.seq, event.type, dict(event.change)) for event in events] == [
        (1, "account.registered", {"role": "customer"}),
        (2, "account.role_changed", {"from": "customer", "to": "operator"}),
        (3, "account.email_changed", {}),
    ]
    assert [(event.actor.kind, event.actor.id) for event in events] == [
        ("customer", account.id),
        ("system", None),
        ("operator", account.id),
    ]
    assert [event.occurred_at for event in events] == [AT] * 3
    assert len({event.id for event in events}) == 3


async def test_a_hash_that_is_made_anew_is_no_event(persistence: Persistence) -> None:
    account = an_account()
    await persistence.commit(lambda tx: tx.accounts.add(account))
    account.password_hash = "stronger"
    await persistence.commit(lambda tx: tx.accounts.save(account))
    async with persistence.transactions.begin() as tx:
        known = await tx.accounts.get(account.id)
    assert (known.password_hash, known.version) == ("stronger", 1)
    assert len(await persistence.account_views.events(account.id, after_seq=0, limit=10)) == 1


async def test_of_two_changes_of_the_same_version_the_second_is_refused_and_leaves_no_event(
    persistence: Persistence,
) -> None:
    account = an_account()
    await persistence.commit(lambda tx: tx.accounts.add(account))
    async with persistence.transactions.begin() as tx:
        first, second, third = [await tx.accounts.get(account.id) for _ in range(3)]
    first.change_password("first", by=first.actor, at=AT)
    await persistence.commit(lambda tx: tx.accounts.save(first))
    second.change_password("second", by=second.actor, at=AT)
    third.password_hash = "the old password, hashed anew"
    for late in (second, third):
        with pytest.raises(AccountChangedMeanwhile):
            await persistence.commit(lambda tx, late=late: tx.accounts.save(late))  # type: ignore[misc]  # bound
    async with persistence.transactions.begin() as tx:
        assert (await tx.accounts.get(account.id)).password_hash == "first"
    assert len(await persistence.account_views.events(account.id, after_seq=0, limit=10)) == 2


async def test_of_many_who_change_an_account_under_its_lock_none_is_refused(persistence: Persistence) -> None:
    account = an_account()
    await persistence.commit(lambda tx: tx.accounts.add(account))

    async def change() -> None:
        async with persistence.transactions.begin() as tx:
            loaded = await tx.accounts.get(account.id, lock=True)
            loaded.change_password(f"hash {loaded.version}", by=loaded.actor, at=AT)
            tx.accounts.save(loaded)
            await tx.commit()

    await asyncio.gather(*(change() for _ in range(PARALLEL)))
    events = await persistence.account_views.events(account.id, after_seq=0, limit=100)
    assert [event.seq for event in events] == list(range(1, PARALLEL + 2))


async def test_an_address_that_is_taken_cannot_be_changed_to(persistence: Persistence) -> None:
    ann, bob = an_account("ann@example.com"), an_account("bob@example.com")
    await persistence.commit(lambda tx: tx.accounts.add(ann), lambda tx: tx.accounts.add(bob))
    bob.change_email("ann@example.com", by=bob.actor, at=AT)
    with pytest.raises(EmailTaken):
        await persistence.commit(lambda tx: tx.accounts.save(bob))
    assert len(await persistence.account_views.events(bob.id, after_seq=0, limit=10)) == 1


async def test_a_history_is_read_in_pages_and_is_empty_for_no_account(persistence: Persistence) -> None:
    account = an_account()
    for number in range(4):
        account.change_password(f"hash {number}", by=account.actor, at=AT)
    await persistence.commit(lambda tx: tx.accounts.add(account))
    events = persistence.account_views.events
    assert [event.seq for event in await events(account.id, after_seq=1, limit=2)] == [2, 3]
    assert [event.seq for event in await events(account.id, after_seq=3, limit=2)] == [4, 5]
    assert await events(account.id, after_seq=5, limit=2) == []
    assert await events(uuid4(), after_seq=0, limit=2) == []


async def test_accounts_are_listed_the_newest_first_page_by_page(persistence: Persistence) -> None:
    roles = [Role.CUSTOMER, Role.OPERATOR, Role.CUSTOMER, Role.ADMIN, Role.CUSTOMER]
    made = [an_account(f"{number}@example.com", role) for number, role in enumerate(roles)]
    for account in made:
        await persistence.commit(lambda tx, account=account: tx.accounts.add(account))  # type: ignore[misc]  # bound
    newest_first = sorted(made, key=lambda account: account.id, reverse=True)

    async def pages(wanted: AccountFilter, limit: int) -> list[list[UUID]]:
        found, start = [], None
        while True:
            page = await persistence.account_views.list(wanted, start=start, limit=limit)
            found.append([account.id for account in page.accounts])
            if page.next_start is None:
                return found
            start = page.next_start

    ids = [account.id for account in newest_first]
    assert await pages(AccountFilter(), 2) == [ids[:2], ids[2:4], ids[4:]]
    assert await pages(AccountFilter(), 5) == [ids]
    customers = [account.id for account in newest_first if account.role is Role.CUSTOMER]
    assert await pages(AccountFilter(role=Role.CUSTOMER), 2) == [customers[:2], customers[2:]]
    assert await pages(AccountFilter(email="3@example.com"), 2) == [[made[3].id]]
    assert await pages(AccountFilter(role=Role.CUSTOMER, email="3@example.com"), 2) == [[]]
    assert (await persistence.account_views.list(AccountFilter(), start=None, limit=1)).accounts == newest_first[:1]
