"""argon2, under more work than it can do."""

import asyncio
import os
import sys
import threading
from collections import Counter

import pytest

from adapters.security.passwords import Argon2Passwords
from order_service.domain.errors import TooBusy

AT_ONCE = 128


async def test_of_ten_thousand_at_once_few_wait_and_the_others_are_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords, go_on = Argon2Passwords(), threading.Event()

    def slow(password_hash: str, password: str) -> bool:
        return go_on.wait() and password_hash == password

    with monkeypatch.context() as busy:
        busy.setattr(passwords, "_matches", slow)
        tries = [asyncio.create_task(passwords.verify("same", "same")) for _ in range(10_000)]
        _, waiting = await asyncio.wait(tries, return_when=asyncio.FIRST_EXCEPTION)
        assert len(waiting) == AT_ONCE
        go_on.set()
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert Counter(repr(outcome) for outcome in outcomes) == {"True": AT_ONCE, repr(TooBusy()): 10_000 - AT_ONCE}
    assert await passwords.verify("right horse", await passwords.hash("right horse"))


async def test_a_hash_is_of_one_password_alone() -> None:
    passwords = Argon2Passwords()
    known = await passwords.hash("right horse")
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(known)
    assert [await passwords.verify(one, known) for one in ("right horse", "wrong horse")] == [True, False]
    assert not await passwords.verify("", None)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread cannot give way alone")
async def test_hashing_gives_way_to_the_event_loop() -> None:
    passwords = Argon2Passwords()
    theirs = await passwords._in_thread(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert theirs == 10
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < theirs
