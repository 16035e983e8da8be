"""Registering and logging in."""

from datetime import timedelta

import pytest

from order_service.domain.actor import SCOPES_OF, SYSTEM, Actor, ActorKind, Role
from order_service.domain.errors import (
    AccountNotFound,
    EmailTaken,
    InvalidCredentials,
    InvalidField,
    NotAuthenticated,
)
from order_service.use_cases.log_in import LogInCommand
from order_service.use_cases.register_account import RegisterAccountCommand
from tests.builders import NOON, a_customer
from tests.in_memory.security import PlainPasswords
from tests.use_cases.shop import HOME, PASSWORD, Shop


def log_in_as(email: str, password: str = PASSWORD) -> LogInCommand:
    return LogInCommand(email=email, password=password, origin=HOME)


async def test_who_registers_has_an_account_and_is_a_customer(shop: Shop) -> None:
    account = await shop.register(RegisterAccountCommand(email=" Ann@Example.com ", password=PASSWORD))
    assert account.email == "ann@example.com"
    assert account.role is Role.CUSTOMER
    assert account.created_at == NOON
    assert account.password_hash != PASSWORD
    assert await shop.get_account(account.id, by=account.actor) == account


async def test_who_runs_the_service_may_give_another_role(shop: Shop) -> None:
    account = await shop.register(
        RegisterAccountCommand(email="o@example.com", password=PASSWORD, role=Role.OPERATOR)
    )
    assert account.actor == Actor(ActorKind.OPERATOR, account.id)


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("email", ["ann@example.com", "ANN@example.COM"])
async def test_an_email_can_be_registered_once_without_regard_to_case(shop: Shop, email: str) -> None:
    with pytest.raises(EmailTaken):
        await shop.register(RegisterAccountCommand(email=email, password="another one"))
    assert (await shop.log_in(log_in_as("ann@example.com"))).access_token


@pytest.mark.parametrize(
    ("email", "password", "field"), [("ann", PASSWORD, "email"), ("ann@example.com", "7 chars", "password")]
)
async def test_an_account_needs_a_real_email_and_a_long_password(
    shop: Shop, email: str, password: str, field: str
) -> None:
    with pytest.raises(InvalidField) as refusal:
        await shop.register(RegisterAccountCommand(email=email, password=password))
    assert refusal.value.field == field
    assert password not in str(refusal.value)


async def test_the_right_password_gives_a_token_that_says_who_it_is(shop: Shop, ann: Actor) -> None:
    logged_in = await shop.log_in(log_in_as("Ann@Example.com"))
    assert shop.tokens.bearer(logged_in.access_token, at=shop.clock.now()).actor == ann
    assert logged_in.scopes == SCOPES_OF[ActorKind.CUSTOMER]
    assert logged_in.lifetime == timedelta(minutes=15)
    with pytest.raises(NotAuthenticated):
        shop.tokens.bearer(logged_in.access_token, at=shop.clock.advance(logged_in.lifetime))


@pytest.mark.usefixtures("ann")
async def test_an_unknown_email_and_a_wrong_password_get_the_same_answer_after_the_same_work(shop: Shop) -> None:
    with pytest.raises(InvalidCredentials) as wrong:
        await shop.log_in(log_in_as("ann@example.com", "wrong"))
    with pytest.raises(InvalidCredentials) as unknown:
        await shop.log_in(log_in_as("nobody@example.com", "wrong"))
    assert str(wrong.value) == str(unknown.value)
    assert wrong.value.details() == unknown.value.details()
    assert shop.passwords.checked == [f"hash of {PASSWORD}", PlainPasswords.NOBODYS]


async def test_an_email_that_cannot_be_one_gets_that_answer_too(shop: Shop) -> None:
    with pytest.raises(InvalidCredentials):
        await shop.log_in(log_in_as("no address"))


@pytest.mark.usefixtures("ann")
async def test_no_password_appears_in_a_command_or_an_answer_that_is_logged(shop: Shop) -> None:
    logged_in = await shop.log_in(log_in_as("ann@example.com"))
    said = repr([log_in_as("a"), RegisterAccountCommand(email="a", password=PASSWORD), logged_in])
    assert PASSWORD not in said
    assert logged_in.access_token not in said


async def test_there_is_no_account_for_a_stranger_or_for_the_service_itself(shop: Shop) -> None:
    for actor in (a_customer(), SYSTEM):
        with pytest.raises(AccountNotFound):
            await shop.get_account(actor.own_account, by=actor)
