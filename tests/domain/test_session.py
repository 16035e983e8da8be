from datetime import timedelta
from uuid import uuid4

import pytest

from order_service.domain.secret import SECRET_BYTES
from order_service.domain.session import GRACE, Session, read_refresh_token, refresh_token
from tests.builders import NOON, after

LIFETIME = timedelta(days=1)
FIRST, SECOND, THIRD, STRANGE = (bytes([number]) * SECRET_BYTES for number in range(4))


def a_session() -> Session:
    return Session.begin(id=uuid4(), account_id=uuid4(), secret=FIRST, at=NOON, lifetime=LIFETIME)


def test_each_token_is_good_for_one_successor() -> None:
    session = a_session()
    assert session.refresh(FIRST, successor=SECOND, at=after(hours=1))
    assert session.refresh(SECOND, successor=THIRD, at=after(hours=2))
    assert session.is_open(after(hours=2))


def test_a_token_that_was_used_before_ends_the_session() -> None:
    session = a_session()
    session.refresh(FIRST, successor=SECOND, at=after(hours=1))
    assert not session.refresh(FIRST, successor=THIRD, at=after(hours=1) + GRACE + timedelta(seconds=1))
    assert not session.is_open(after(hours=2))
    assert not session.refresh(SECOND, successor=THIRD, at=after(hours=2))


def test_of_two_who_refresh_at_once_one_is_refused_and_the_session_goes_on() -> None:
    session = a_session()
    assert session.refresh(FIRST, successor=SECOND, at=after(hours=1))
    assert not session.refresh(FIRST, successor=THIRD, at=after(hours=1) + GRACE)
    assert session.refresh(SECOND, successor=THIRD, at=after(hours=1) + GRACE)


def test_only_the_token_before_the_newest_may_come_late() -> None:
    session = a_session()
    session.refresh(FIRST, successor=SECOND, at=NOON)
    session.refresh(SECOND, successor=THIRD, at=NOON)
    assert not session.refresh(FIRST, successor=STRANGE, at=NOON)
    assert not session.is_open(NOON)


def test_a_secret_that_was_never_given_out_ends_the_session() -> None:
    session = a_session()
    assert not session.refresh(STRANGE, successor=SECOND, at=NOON)
    assert session.ended_at == NOON


def test_a_session_ends_by_itself_however_often_it_is_refreshed() -> None:
    session = a_session()
    just_before = NOON + LIFETIME - timedelta(microseconds=1)
    assert session.refresh(FIRST, successor=SECOND, at=just_before)
    assert not session.refresh(SECOND, successor=THIRD, at=NOON + LIFETIME)


def test_what_has_ended_stays_ended_since_then() -> None:
    session = a_session()
    session.end(after(hours=1))
    session.end(after(hours=2))
    assert session.ended_at == after(hours=1)
    assert not session.refresh(FIRST, successor=SECOND, at=after(hours=1))


def test_no_secret_is_kept() -> None:
    session = a_session()
    session.refresh(FIRST, successor=SECOND, at=NOON)
    assert FIRST not in (session.token_hash, session.former_hash)
    assert SECOND not in (session.token_hash, session.former_hash)


def test_a_token_is_read_as_it_was_written() -> None:
    session_id = uuid4()
    assert read_refresh_token(refresh_token(session_id, FIRST)) == (session_id, FIRST)


@pytest.mark.parametrize("token", ["", "x", "ä", "A" * 64 + "=", "A" * 60, "A" * 68, "A" * 63 + "\n", "\x00" * 64])
def test_what_is_no_token_is_none(token: str) -> None:
    assert read_refresh_token(token) is None
