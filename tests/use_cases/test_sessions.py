"""Staying logged in, logging out, and who else is logged in."""

import asyncio
from datetime import timedelta

import pytest

from order_service.domain.actor import SYSTEM, Actor, ActorKind, Bearer, Role
from order_service.domain.errors import (
    AccountChangedMeanwhile,
    InvalidCredentials,
    InvalidField,
    InvalidRefreshToken,
    SessionNotFound,
)
from order_service.domain.session import GRACE
from order_service.use_cases.change_account import ChangeAccount
from order_service.use_cases.change_password import ChangePassword, ChangePasswordCommand
from order_service.use_cases.log_in import LoggedIn, LogIn, LogInCommand, SessionRules
from order_service.use_cases.set_role import SetRoleCommand
from tests.in_memory.security import FewPasswords, PlainPasswords
from tests.use_cases.shop import HOME, PASSWORD, Shop

A_MINUTE = timedelta(minutes=1)
NEW_PASSWORD = "purple tin roof"


async def log_in(shop: Shop, password: str = PASSWORD) -> LoggedIn:
    return await shop.log_in(LogInCommand(email="ann@example.com", password=password, origin=HOME))


def bearer_of(shop: Shop, logged_in: LoggedIn) -> Bearer:
    return shop.tokens.bearer(logged_in.access_token, at=shop.clock.now())


async def test_a_refresh_token_is_good_for_new_tokens_once(shop: Shop, ann: Actor) -> None:
    first = await log_in(shop)
    shop.clock.advance(A_MINUTE)
    second = await shop.refresh_session(first.refresh_token)
    assert bearer_of(shop, second).session_id == bearer_of(shop, first).session_id
    assert bearer_of(shop, second).actor == ann
    assert second.refresh_token != first.refresh_token
    assert (await shop.refresh_session(second.refresh_token)).access_token


async def test_a_token_that_is_used_again_ends_the_session_of_whoever_has_its_successor(
    shop: Shop, ann: Actor
) -> None:
    stolen = await log_in(shop)
    successor = await shop.refresh_session(stolen.refresh_token)
    shop.clock.advance(GRACE + A_MINUTE)
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(stolen.refresh_token)
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(successor.refresh_token)
    assert await shop.list_sessions(by=ann) == []


async def test_of_many_who_refresh_at_once_one_gets_the_successor(shop: Shop, ann: Actor) -> None:
    logged_in = await log_in(shop)
    outcomes = await asyncio.gather(
        *(shop.refresh_session(logged_in.refresh_token) for _ in range(20)), return_exceptions=True
    )
    [successor] = [outcome for outcome in outcomes if isinstance(outcome, LoggedIn)]
    assert (await shop.refresh_session(successor.refresh_token)).access_token
    assert len(await shop.list_sessions(by=ann)) == 1


@pytest.mark.parametrize("token", ["", "nonsense", "A" * 64])
@pytest.mark.usefixtures("ann")
async def test_what_is_no_refresh_token_gets_nothing(shop: Shop, token: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(token)


async def test_a_session_does_not_outlive_its_lifetime(shop: Shop, ann: Actor) -> None:
    logged_in = await log_in(shop)
    shop.clock.advance(SessionRules().lifetime)
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(logged_in.refresh_token)
    assert await shop.list_sessions(by=ann) == []


async def test_everybody_sees_and_ends_their_own_sessions_alone(shop: Shop, ann: Actor) -> None:
    here, there = await log_in(shop), await log_in(shop)
    bob = await shop.customer("bob@example.com")
    sessions = await shop.list_sessions(by=ann)
    assert {session.id for session in sessions} == {bearer_of(shop, one).session_id for one in (here, there)}
    assert await shop.list_sessions(by=bob) == []
    with pytest.raises(SessionNotFound):
        await shop.end_session(sessions[0].id, by=bob)
    await shop.end_session(sessions[0].id, by=ann)
    assert [session.id for session in await shop.list_sessions(by=ann)] == [sessions[1].id]


@pytest.mark.usefixtures("ann")
async def test_who_logs_out_with_a_refresh_token_ends_its_session(shop: Shop) -> None:
    logged_in = await log_in(shop)
    for token in ("nonsense", "A" * 64, logged_in.refresh_token, logged_in.refresh_token):
        await shop.end_session.by_token(token)
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(logged_in.refresh_token)


@pytest.mark.usefixtures("ann")
async def test_a_new_password_ends_every_session_but_the_one_it_was_given_in(shop: Shop) -> None:
    here, there = await log_in(shop), await log_in(shop)
    await shop.change_password(
        ChangePasswordCommand(
            by=bearer_of(shop, here), current_password=PASSWORD, new_password=NEW_PASSWORD, origin=HOME
        )
    )
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(there.refresh_token)
    assert (await shop.refresh_session(here.refresh_token)).access_token
    with pytest.raises(InvalidCredentials):
        await log_in(shop)
    await log_in(shop, NEW_PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong horse", NEW_PASSWORD, "current_password"),
        (PASSWORD, "short", "new_password"),
    ],
)
@pytest.mark.usefixtures("ann")
async def test_a_password_is_changed_by_who_knows_it_to_one_that_is_good(
    shop: Shop, current: str, new: str, field: str
) -> None:
    here = await log_in(shop)
    with pytest.raises(InvalidField) as refusal:
        await shop.change_password(
            ChangePasswordCommand(by=bearer_of(shop, here), current_password=current, new_password=new, origin=HOME)
        )
    assert refusal.value.field == field
    await log_in(shop)


async def test_a_password_that_was_hashed_in_a_weak_way_is_hashed_anew_at_the_log_in(shop: Shop, ann: Actor) -> None:
    assert ann.id is not None
    async with shop.transactions.begin() as tx:
        account = await tx.accounts.get(ann.id)
        account.password_hash = f"weak hash of {PASSWORD}"
        tx.accounts.save(account)
        await tx.commit()
    await log_in(shop)
    assert shop.store.committed.accounts[ann.id].password_hash == f"hash of {PASSWORD}"


async def test_another_role_ends_every_session(shop: Shop, ann: Actor) -> None:
    logged_in = await log_in(shop)
    await shop.set_role(SetRoleCommand(by=SYSTEM, account_id=ann.own_account, role=Role.OPERATOR))
    with pytest.raises(InvalidRefreshToken):
        await shop.refresh_session(logged_in.refresh_token)
    operator = bearer_of(shop, await log_in(shop)).actor
    assert (operator.id, operator.kind) == (ann.id, ActorKind.OPERATOR)


async def test_the_role_that_an_account_has_already_changes_nothing(shop: Shop, ann: Actor) -> None:
    await log_in(shop)
    await shop.set_role(SetRoleCommand(by=SYSTEM, account_id=ann.own_account, role=Role.CUSTOMER))
    assert len(await shop.list_sessions(by=ann)) == 1


class OtherPasswordMeanwhile(PlainPasswords):
    """While a password is looked at, its holder changes it elsewhere."""

    def __init__(self, shop: Shop, ann: Actor) -> None:
        super().__init__()
        self._shop = shop
        self._ann = ann

    async def verify(self, password: str, password_hash: str | None) -> bool:
        matches = await super().verify(password, password_hash)
        async with self._shop.transactions.begin() as tx:
            account = await tx.accounts.get(self._ann.own_account)
            if account.version == 1:
                account.change_password(f"hash of {NEW_PASSWORD}", by=self._ann, at=self._shop.clock.now())
                tx.accounts.save(account)
                await tx.commit()
        return matches


async def test_a_log_in_with_a_password_that_is_changed_at_this_moment_begins_no_session(
    shop: Shop, ann: Actor
) -> None:
    passwords = OtherPasswordMeanwhile(shop, ann)
    slow = LogIn(shop.transactions, passwords, shop.guessing, shop.tokens, shop.clock, shop.ids, SessionRules())
    with pytest.raises(InvalidCredentials):
        await slow(LogInCommand(email="ann@example.com", password=PASSWORD, origin=HOME))
    assert await shop.list_sessions(by=ann) == []


async def test_of_two_new_passwords_at_once_one_is_refused(shop: Shop, ann: Actor) -> None:
    passwords = OtherPasswordMeanwhile(shop, ann)
    slow = ChangePassword(
        ChangeAccount(shop.transactions, passwords, shop.guessing, shop.clock), passwords, FewPasswords()
    )
    here = bearer_of(shop, await log_in(shop))
    with pytest.raises(AccountChangedMeanwhile):
        await slow(
            ChangePasswordCommand(by=here, current_password=PASSWORD, new_password="blue tin roof", origin=HOME)
        )
    await log_in(shop, NEW_PASSWORD)
