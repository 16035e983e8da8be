"""How long access tokens hold."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.security.keys import TokenKey, TokenKeys
from adapters.security.tokens import JwtTokens
from order_service.domain.actor import Actor, Role
from order_service.domain.errors import NotAuthenticated

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEYS = TokenKeys([TokenKey.secret("a secret key for tests of 32 or more characters")])


def test_a_token_that_was_made_to_hold_longer_holds_no_longer_than_those_of_now() -> None:
    hour = timedelta(hours=1)
    before, now = JwtTokens(KEYS, lifetime=24 * hour), JwtTokens(KEYS, lifetime=hour)
    token = before.issue(Actor.account(uuid4(), Role.CUSTOMER), at=NOON)
    assert before.bearer(token, at=NOON + hour).expires_at == NOON + 24 * hour
    assert now.bearer(token, at=NOON + hour - timedelta(seconds=1)).expires_at == NOON + hour
    with pytest.raises(NotAuthenticated):
        now.bearer(token, at=NOON + hour)
