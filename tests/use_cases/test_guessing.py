"""Many addresses, one account: few guesses, and its holder still comes in."""

import asyncio
from datetime import timedelta

import pytest

from order_service.domain.actor import Bearer
from order_service.domain.errors import InvalidField, RateLimited, TooBusy
from order_service.use_cases.change_password import ChangePasswordCommand
from order_service.use_cases.guessing import GuessingRules
from order_service.use_cases.log_in import LoggedIn, LogInCommand
from tests.use_cases.shop import HOME, PASSWORD, WRONG_PER_HOUR, Shop

ANN = "ann@example.com"
UNTIL_A_TRY_IS_GIVEN_BACK = timedelta(hours=1) / WRONG_PER_HOUR
A_TOUCH = timedelta(milliseconds=1)


async def log_in(shop: Shop, password: str = PASSWORD, *, email: str = ANN, origin: str = HOME) -> LoggedIn:
    return await shop.log_in(LogInCommand(email=email, password=password, origin=origin))


async def guess(shop: Shop, tries: int, *, email: str = ANN, origin: str | None = None) -> list[str]:
    """What so many wrong passwords at once come to, each from another address when no `origin` is given."""
    outcomes = await asyncio.gather(
        *(log_in(shop, "wrong", email=email, origin=origin or f"198.51.100.{one}") for one in range(tries)),
        return_exceptions=True,
    )
    return [type(outcome).__name__ for outcome in outcomes]


@pytest.mark.parametrize("email", [ANN, "nobody@example.com"])
@pytest.mark.usefixtures("ann")
async def test_a_thousand_addresses_together_get_as_many_guesses_as_one(shop: Shop, email: str) -> None:
    """Whether or not there is an account: else the limit would tell."""
    outcomes = await guess(shop, 1000, email=email)
    assert outcomes == ["InvalidCredentials"] * WRONG_PER_HOUR + ["RateLimited"] * (1000 - WRONG_PER_HOUR)
    assert len(shop.passwords.checked) == WRONG_PER_HOUR


@pytest.mark.usefixtures("ann")
async def test_the_same_address_in_other_letters_is_no_other_account(shop: Shop) -> None:
    await guess(shop, WRONG_PER_HOUR)
    assert await guess(shop, 1, email=" ANN@Example.com ") == ["RateLimited"]


@pytest.mark.usefixtures("ann")
async def test_who_was_here_lately_comes_in_while_others_guess(shop: Shop) -> None:
    await log_in(shop)
    for _ in range(3 * WRONG_PER_HOUR):
        await guess(shop, 10)
        assert (await log_in(shop)).access_token


@pytest.mark.usefixtures("ann")
async def test_who_was_never_here_waits_until_a_try_is_given_back(shop: Shop) -> None:
    await guess(shop, WRONG_PER_HOUR)
    with pytest.raises(RateLimited) as refusal:
        await log_in(shop)
    assert refusal.value.retry_after == UNTIL_A_TRY_IS_GIVEN_BACK.total_seconds()
    shop.clock.advance(UNTIL_A_TRY_IS_GIVEN_BACK + A_TOUCH)
    assert (await log_in(shop)).access_token


@pytest.mark.usefixtures("ann")
async def test_right_passwords_are_not_counted(shop: Shop) -> None:
    for number in range(3 * WRONG_PER_HOUR):
        assert (await log_in(shop, origin=f"203.0.113.{number}")).access_token
        assert (await log_in(shop)).access_token
    assert await guess(shop, WRONG_PER_HOUR) == ["InvalidCredentials"] * WRONG_PER_HOUR


@pytest.mark.usefixtures("ann")
async def test_who_guesses_where_the_holder_was_has_no_more_tries_than_elsewhere(shop: Shop) -> None:
    await log_in(shop)
    assert await guess(shop, WRONG_PER_HOUR + 1, origin=HOME) == [
        *["InvalidCredentials"] * WRONG_PER_HOUR,
        "RateLimited",
    ]


@pytest.mark.usefixtures("ann", "bob")
async def test_to_have_an_account_of_ones_own_opens_no_other(shop: Shop) -> None:
    await log_in(shop, email="bob@example.com", origin="198.51.100.7")
    await guess(shop, WRONG_PER_HOUR)
    assert await guess(shop, 1, origin="198.51.100.7") == ["RateLimited"]


@pytest.mark.usefixtures("ann")
async def test_an_address_is_forgotten_when_nobody_logs_in_from_it(shop: Shop) -> None:
    await log_in(shop)
    shop.clock.advance(GuessingRules(key=b"").origin_known_for)
    await guess(shop, WRONG_PER_HOUR)
    with pytest.raises(RateLimited):
        await log_in(shop)


@pytest.mark.usefixtures("ann")
async def test_a_stolen_token_is_no_other_door_to_guess_at(shop: Shop) -> None:
    bearer = bearer_of(shop, await log_in(shop))
    for _ in range(WRONG_PER_HOUR - 1):
        with pytest.raises(InvalidField):
            await change_password(shop, bearer, "wrong", origin="198.51.100.1")
    assert await guess(shop, 1) == ["InvalidCredentials"]
    checked = len(shop.passwords.checked)
    with pytest.raises(RateLimited):
        await change_password(shop, bearer, PASSWORD, origin="198.51.100.1")
    assert len(shop.passwords.checked) == checked
    await change_password(shop, bearer, PASSWORD, origin=HOME)


@pytest.mark.usefixtures("ann")
async def test_a_try_for_which_there_was_no_time_is_not_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def too_busy(*_: object) -> bool:
        raise TooBusy

    with monkeypatch.context() as busy:
        busy.setattr(shop.passwords, "verify", too_busy)
        assert await guess(shop, 10) == ["TooBusy"] * 10
    assert await guess(shop, WRONG_PER_HOUR) == ["InvalidCredentials"] * WRONG_PER_HOUR


@pytest.mark.usefixtures("ann")
async def test_what_is_kept_tells_neither_the_account_nor_the_address(shop: Shop) -> None:
    await log_in(shop)
    await guess(shop, 1)
    kept = repr([vars(shop.limiter), vars(shop.origins)])
    assert "guesses" in kept
    assert ANN not in kept
    assert "ann" not in kept
    assert HOME not in kept


def bearer_of(shop: Shop, logged_in: LoggedIn) -> Bearer:
    return shop.tokens.bearer(logged_in.access_token, at=shop.clock.now())


async def change_password(shop: Shop, bearer: Bearer, current: str, *, origin: str) -> None:
    await shop.change_password(
        ChangePasswordCommand(by=bearer, current_password=current, new_password="purple tin roof", origin=origin)
    )
