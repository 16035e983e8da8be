"""Which passwords may be chosen, and that the same password opens whatever machine it comes from."""

import unicodedata

import pytest

from order_service.domain.actor import Actor, Bearer
from order_service.domain.errors import InvalidCredentials, InvalidField
from order_service.use_cases.change_password import ChangePasswordCommand
from order_service.use_cases.log_in import LogInCommand
from order_service.use_cases.register_account import RegisterAccountCommand
from tests.builders import NOON
from tests.in_memory.security import PlainPasswords
from tests.use_cases.shop import HOME, PASSWORD, Shop

IN_ONE, IN_TWO = "pässwörter", unicodedata.normalize("NFD", "pässwörter")


def log_in_as(email: str, password: str) -> LogInCommand:
    return LogInCommand(email=email, password=password, origin=HOME)


@pytest.mark.parametrize("password", ["Password123", "Annabelle", "ANNABELLE@example.com", "x" * 5000])
async def test_nobody_registers_with_a_password_that_is_easily_guessed_or_endless(shop: Shop, password: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        await shop.register(RegisterAccountCommand(email=" annabelle@Example.com", password=password))
    assert refusal.value.field == "password"


@pytest.mark.parametrize("password", ["Password123", "ann@Example.com", "x" * 5000])
async def test_nobody_changes_to_such_a_password(shop: Shop, ann: Actor, password: str) -> None:
    command = ChangePasswordCommand(
        by=Bearer(ann, NOON), current_password=PASSWORD, new_password=password, origin=HOME
    )
    with pytest.raises(InvalidField) as refusal:
        await shop.change_password(command)
    assert refusal.value.field == "new_password"
    await shop.log_in(log_in_as("ann@example.com", PASSWORD))


async def test_a_password_opens_whatever_machine_it_was_set_or_typed_on(shop: Shop) -> None:
    for email, chosen in (("mac@example.com", IN_TWO), ("windows@example.com", IN_ONE)):
        account = await shop.register(RegisterAccountCommand(email=email, password=chosen))
        assert account.password_hash == f"hash of {IN_ONE}"
        for typed in (IN_ONE, IN_TWO):
            await shop.log_in(log_in_as(email, typed))
            command = ChangePasswordCommand(
                by=Bearer(account.actor, NOON), current_password=typed, new_password=chosen, origin=HOME
            )
            await shop.change_password(command)


async def test_a_hash_from_before_passwords_were_normalized_still_opens(shop: Shop, ann: Actor) -> None:
    async with shop.transactions.begin() as tx:
        account = await tx.accounts.get(ann.own_account)
        account.password_hash = f"weak hash of {IN_TWO}"
        tx.accounts.save(account)
        await tx.commit()
    await shop.log_in(log_in_as("ann@example.com", IN_TWO))
    assert shop.store.committed.accounts[ann.own_account].password_hash == f"hash of {IN_ONE}"
    await shop.log_in(log_in_as("ann@example.com", IN_ONE))


@pytest.mark.usefixtures("ann")
async def test_what_cannot_be_a_password_gets_the_same_answer_after_the_same_work(shop: Shop) -> None:
    for email in ("ann@example.com", "nobody@example.com"):
        for password in ("x" * 5000, "half \ud83d a character"):
            with pytest.raises(InvalidCredentials):
                await shop.log_in(log_in_as(email, password))
    assert shop.passwords.checked == [PlainPasswords.NOBODYS] * 4


@pytest.mark.usefixtures("ann")
async def test_a_password_in_two_spellings_is_the_same_work_for_an_unknown_address(shop: Shop) -> None:
    for email in ("ann@example.com", "nobody@example.com"):
        with pytest.raises(InvalidCredentials):
            await shop.log_in(log_in_as(email, IN_TWO))
    assert shop.passwords.checked == [f"hash of {PASSWORD}"] * 2 + [PlainPasswords.NOBODYS] * 2
