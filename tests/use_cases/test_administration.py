"""Roles, addresses, and who did what with which account."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from order_service.domain.actor import SYSTEM, Actor, Bearer, Role
from order_service.domain.errors import (
    AccountNotFound,
    EmailTaken,
    InvalidCredentials,
    InvalidField,
    LastAdmin,
    NotAllowed,
    OwnRole,
    VersionMismatch,
)
from order_service.ports import AccountFilter
from order_service.use_cases.change_email import ChangeEmailCommand
from order_service.use_cases.list_account_events import ListAccountEventsQuery
from order_service.use_cases.list_accounts import ListAccountsQuery
from order_service.use_cases.log_in import LogInCommand
from order_service.use_cases.set_role import SetRoleCommand
from tests.builders import NOON, an_admin, an_operator
from tests.use_cases.shop import HOME, PASSWORD, Shop


@pytest.fixture
async def boss(shop: Shop) -> Actor:
    return await shop.admin()


def a_role(of: Actor, role: Role, *, by: Actor, at: frozenset[int] | None = None) -> SetRoleCommand:
    return SetRoleCommand(by=by, account_id=of.own_account, role=role, expected_versions=at)


def an_address(
    of: Actor, email: str, password: str = PASSWORD, at: frozenset[int] | None = None
) -> ChangeEmailCommand:
    return ChangeEmailCommand(
        by=Bearer(of, NOON), email=email, current_password=password, origin=HOME, expected_versions=at
    )


async def test_an_admin_gives_a_role_and_the_history_says_who_gave_which(shop: Shop, ann: Actor, boss: Actor) -> None:
    account = await shop.set_role(a_role(ann, Role.OPERATOR, by=boss))
    assert (account.role, account.version) == (Role.OPERATOR, 2)
    query = ListAccountEventsQuery(by=boss, account_id=ann.own_account, after_seq=1)
    [event] = await shop.list_account_events(query)
    assert (event.type, event.change) == ("account.role_changed", {"from": "customer", "to": "operator"})
    assert (event.actor.kind, event.actor.id, event.occurred_at) == ("admin", boss.id, shop.clock.now())


async def test_the_command_line_acts_as_the_service_itself(shop: Shop, ann: Actor, boss: Actor) -> None:
    await shop.set_role(a_role(ann, Role.ADMIN, by=SYSTEM))
    assert await shop.history_of_account(ann.own_account) == [
        ("account.registered", "customer", {"role": "customer"}),
        ("account.role_changed", "system", {"from": "customer", "to": "admin"}),
    ]
    assert await shop.history_of_account(boss.own_account) == [("account.registered", "system", {"role": "admin"})]


async def test_nobody_but_an_admin_gives_roles_and_an_admin_none_to_themself(
    shop: Shop, ann: Actor, bob: Actor, boss: Actor
) -> None:
    for by in (ann, bob, an_operator()):
        with pytest.raises(NotAllowed):
            await shop.set_role(a_role(ann, Role.ADMIN, by=by))
    with pytest.raises(OwnRole):
        await shop.set_role(a_role(boss, Role.CUSTOMER, by=boss))
    with pytest.raises(AccountNotFound):
        await shop.set_role(SetRoleCommand(by=boss, account_id=uuid4(), role=Role.ADMIN))


async def test_who_is_no_admin_any_more_gives_no_roles_whatever_their_token_says(
    shop: Shop, ann: Actor, boss: Actor
) -> None:
    await shop.set_role(replace(a_role(boss, Role.OPERATOR, by=SYSTEM), even_the_last_admin=True))
    for former in (boss, an_admin()):
        with pytest.raises(NotAllowed):
            await shop.set_role(a_role(ann, Role.ADMIN, by=former))


async def test_the_role_of_the_last_admin_is_taken_by_nobody_who_does_not_mean_it(shop: Shop, boss: Actor) -> None:
    with pytest.raises(LastAdmin):
        await shop.set_role(a_role(boss, Role.OPERATOR, by=SYSTEM))
    await shop.admin("other@example.com")
    assert (await shop.set_role(a_role(boss, Role.OPERATOR, by=SYSTEM))).role is Role.OPERATOR


async def test_two_admins_who_take_each_others_role_at_once_leave_one(shop: Shop, boss: Actor) -> None:
    other = await shop.admin("other@example.com")
    outcomes = await asyncio.gather(
        shop.set_role(a_role(other, Role.CUSTOMER, by=boss)),
        shop.set_role(a_role(boss, Role.CUSTOMER, by=other)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes].count(NotAllowed) == 1
    page = await shop.list_accounts(ListAccountsQuery(by=SYSTEM, wanted=AccountFilter(role=Role.ADMIN)))
    assert len(page.accounts) == 1


async def test_a_role_is_given_to_the_account_at_the_version_that_is_meant(
    shop: Shop, ann: Actor, boss: Actor
) -> None:
    with pytest.raises(VersionMismatch) as refusal:
        await shop.set_role(a_role(ann, Role.OPERATOR, by=boss, at=frozenset({2})))
    assert refusal.value.current_version == 1
    assert (await shop.set_role(a_role(ann, Role.OPERATOR, by=boss, at=frozenset({1})))).version == 2


async def test_a_new_address_is_the_one_to_log_in_with(shop: Shop, ann: Actor) -> None:
    account = await shop.change_email(an_address(ann, " Ann@Example.org ", at=frozenset({1})))
    assert (account.email, account.version) == ("ann@example.org", 2)
    await shop.log_in(LogInCommand(email="ann@example.org", password=PASSWORD, origin=HOME))
    with pytest.raises(InvalidCredentials):
        await shop.log_in(LogInCommand(email="ann@example.com", password=PASSWORD, origin=HOME))
    history = await shop.history_of_account(ann.own_account)
    assert history[1:] == [("account.email_changed", "customer", {})]
    assert "example" not in repr(history)


@pytest.mark.usefixtures("bob")
async def test_an_address_is_changed_by_who_knows_the_password_to_one_that_is_free(shop: Shop, ann: Actor) -> None:
    for command, refusal in (
        (an_address(ann, "ann@example.org", "wrong horse"), InvalidField),
        (an_address(ann, "no address"), InvalidField),
        (an_address(ann, "BOB@example.com"), EmailTaken),
        (an_address(ann, "ann@example.org", at=frozenset({2})), VersionMismatch),
        (an_address(an_admin(), "ann@example.org"), AccountNotFound),
    ):
        with pytest.raises(refusal):
            await shop.change_email(command)
    account = await shop.change_email(an_address(ann, "ANN@example.com"))
    assert (account.email, account.version) == ("ann@example.com", 1)


async def test_an_admin_finds_accounts_by_role_and_by_address(
    shop: Shop, ann: Actor, bob: Actor, boss: Actor
) -> None:
    async def found(wanted: AccountFilter) -> list[object]:
        page = await shop.list_accounts(ListAccountsQuery(by=boss, wanted=wanted))
        return [account.id for account in page.accounts]

    assert await found(AccountFilter()) == [boss.id, bob.id, ann.id]
    assert await found(AccountFilter(role=Role.CUSTOMER)) == [bob.id, ann.id]
    assert await found(AccountFilter(email=" ANN@example.com")) == [ann.id]
    assert await found(AccountFilter(role=Role.ADMIN, email="ann@example.com")) == []
    with pytest.raises(InvalidField):
        await found(AccountFilter(email="no address"))


async def test_accounts_of_others_are_for_admins(shop: Shop, ann: Actor, bob: Actor, boss: Actor) -> None:
    for by in (bob, an_operator()):
        with pytest.raises(NotAllowed):
            await shop.list_accounts(ListAccountsQuery(by=by))
        with pytest.raises(NotAllowed):
            await shop.get_account(ann.own_account, by=by)
        with pytest.raises(NotAllowed):
            await shop.list_account_events(ListAccountEventsQuery(by=by, account_id=ann.own_account))
    assert (await shop.get_account(ann.own_account, by=boss)).email == "ann@example.com"
    assert len(await shop.list_account_events(ListAccountEventsQuery(by=ann, account_id=ann.own_account))) == 1
    with pytest.raises(AccountNotFound):
        await shop.list_account_events(ListAccountEventsQuery(by=boss, account_id=uuid4()))
