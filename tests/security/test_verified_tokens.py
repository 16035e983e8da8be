"""The short memory of verified tokens: what is in it still has to hold, and what was never verified is not in it."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from adapters.security.keys import TokenKey, TokenKeys, new_private_key
from adapters.security.tokens import JwtTokens
from adapters.security.verified_tokens import VerifiedToken, VerifiedTokens
from order_service.domain.actor import Actor, Bearer, Role
from order_service.domain.errors import NotAuthenticated

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
ANN = Actor.account(uuid4(), Role.CUSTOMER)
KEY = TokenKey.from_pem(new_private_key("ed25519"))


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The algorithm of each signature that was looked at."""
    looked_at: list[str] = []
    by_name = jwt.get_algorithm_by_name

    def noted(name: str) -> Any:
        looked_at.append(name)
        return by_name(name)

    monkeypatch.setattr(jwt, "get_algorithm_by_name", noted)
    return looked_at


def tokens(*keys: TokenKey, lifetime: timedelta = HOUR) -> JwtTokens:
    return JwtTokens(TokenKeys(keys or [KEY]), lifetime=lifetime)


def test_a_signature_is_looked_at_once_a_minute(verified: list[str]) -> None:
    ours = tokens()
    token = ours.issue(ANN, at=NOON, session_id=uuid4())
    verified.clear()
    first = ours.bearer(token, at=NOON)
    assert [ours.bearer(token, at=NOON + n * SECOND) for n in range(60)] == [first] * 60
    assert verified == ["EdDSA"]
    assert ours.bearer(token, at=NOON + 60 * SECOND) == first
    assert ours.bearer(token, at=NOON + 119 * SECOND) == first
    assert verified == ["EdDSA"] * 2


def test_it_is_looked_at_again_when_somebody_has_set_the_clock_back(verified: list[str]) -> None:
    ours = tokens()
    token = ours.issue(ANN, at=NOON)
    ours.bearer(token, at=NOON + 30 * SECOND)
    verified.clear()
    ours.bearer(token, at=NOON)
    assert verified == ["EdDSA"]


def test_a_remembered_token_expires_to_the_second() -> None:
    ours = tokens(lifetime=10 * SECOND)
    token = ours.issue(ANN, at=NOON)
    ours.bearer(token, at=NOON)
    assert ours.bearer(token, at=NOON + 9 * SECOND).actor == ANN
    with pytest.raises(NotAuthenticated, match="expired"):
        ours.bearer(token, at=NOON + 10 * SECOND)


def test_a_remembered_token_does_not_hold_before_its_time() -> None:
    ours = tokens()
    token = ours.issue(ANN, at=NOON)
    ours.bearer(token, at=NOON - 60 * SECOND)
    with pytest.raises(NotAuthenticated, match="does not hold yet"):
        ours.bearer(token, at=NOON - 61 * SECOND)


@pytest.mark.parametrize("seconds", [-61, 3600])
def test_what_does_not_hold_is_not_remembered(seconds: int, verified: list[str]) -> None:
    ours = tokens()
    token = ours.issue(ANN, at=NOON)
    verified.clear()
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            ours.bearer(token, at=NOON + seconds * SECOND)
    assert verified == ["EdDSA"] * 2


def another_signature(token: str) -> str:
    head, body, signature = token.split(".")
    changed = bytearray(base64.urlsafe_b64decode(signature + "=="))
    changed[0] ^= 1
    return f"{head}.{body}.{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}"


def another_end(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")


@pytest.mark.parametrize(
    "forged", [another_signature, another_end, lambda token: token + "=", lambda token: token + " ", str.upper]
)
def test_one_that_is_forged_is_never_remembered(forged: Callable[[str], str]) -> None:
    """Neither before the real one is known, nor after that."""
    ours = tokens()
    token = ours.issue(ANN, at=NOON)
    for known in (False, True):
        for _ in range(3):
            with pytest.raises(NotAuthenticated, match="not one of this service"):
                ours.bearer(forged(token), at=NOON)
        assert len(ours._remembered) == known
        ours.bearer(token, at=NOON)


def test_with_other_keys_nothing_is_remembered() -> None:
    """As after a restart: a key that was taken away verifies no more."""
    former, current = KEY, TokenKey.from_pem(new_private_key("ed25519"))
    both, one = tokens(current, former), tokens(current)
    token = tokens(former).issue(ANN, at=NOON)
    assert both.bearer(token, at=NOON).actor == ANN
    with pytest.raises(NotAuthenticated):
        one.bearer(token, at=NOON)
    assert both.bearer(token, at=NOON).actor == ANN


def test_no_token_is_taken_for_another() -> None:
    ours, bob = tokens(), Actor.account(uuid4(), Role.ADMIN)
    of_ann, of_bob = ours.issue(ANN, at=NOON), ours.issue(bob, at=NOON)
    for _ in range(2):
        assert ours.bearer(of_ann, at=NOON).actor == ANN
        assert ours.bearer(of_bob, at=NOON).actor == bob


def test_no_more_than_ten_thousand_are_remembered_and_the_oldest_goes_first() -> None:
    memory = VerifiedTokens()
    some = VerifiedToken(bearer=Bearer(ANN, NOON + HOUR), holds_from=0)
    for number in range(10_000):
        memory.remember(f"token {number}", some, at=NOON)
    memory.remember("token 0", some, at=NOON)  # known again: the newest now
    assert len(memory) == 10_000
    memory.remember("one more", some, at=NOON)
    assert len(memory) == 10_000
    assert memory.get("token 1", at=NOON) is None
    assert [memory.get(name, at=NOON) for name in ("token 0", "token 2", "one more")] == [some] * 3


def test_the_token_itself_is_not_kept() -> None:
    memory = VerifiedTokens()
    memory.remember("a secret", VerifiedToken(bearer=Bearer(ANN, NOON + HOUR), holds_from=0), at=NOON)
    assert "a secret" not in repr(vars(memory))
