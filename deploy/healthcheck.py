"""Is the role in this container well? Ends with 0 if it is; else with 1, and a line that says what is wrong.

Of every role it is seen that the process is there and is neither stopped nor dead. The API is asked for /readyz
besides, and the queue's page for /livez. The other roles answer nobody; of the worker it is seen that those are
there, too, which do its work. One of them that is there and gets nowhere is not found out; `order-service relay
status` and the queue's page tell that.

Needs the standard library alone, and little of it: it is started every few seconds.
"""

import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_ROLE = re.compile(rb"composition\.(api|relay|consumer|worker|scheduler|queue_page)")
_PATIENCE_SECONDS = 4.0
_STOPPED_OR_DEAD = "TtZXx"
_PAGES = {"api": "/readyz", "queue_page": "/livez"}


def trouble(proc: Path, environment: Mapping[str, str]) -> str | None:
    """What is wrong with the role whose processes `proc` shows, if anything is."""
    roles = dict(_roles(proc))
    if not roles:
        return "no role runs here"
    first = min(roles)  # a role's own process comes before those that it starts
    role, (state, _) = roles[first], _state(proc, first)
    if state in _STOPPED_OR_DEAD:
        return f"{role} is stopped or dead (state {state})"
    if role in _PAGES:
        return _answer(int(environment.get("APP_PORT") or 8010), _PAGES[role])
    if role == "worker" and not any(_works(proc, number, first) for number in _numbers(proc)):
        return "worker has no process that works"
    return None


def _roles(proc: Path) -> Iterator[tuple[int, str]]:
    for number in _numbers(proc):
        try:
            words = (proc / str(number) / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        # behind Docker's own init the same words stand elsewhere
        if words[1:2] == [b"-m"] and (found := _ROLE.fullmatch(words[2])):
            yield number, found[1].decode()


def _numbers(proc: Path) -> list[int]:
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()]


def _state(proc: Path, number: int) -> tuple[str, int]:
    """The process's state and its parent, from what comes behind its name, in which anything may be."""
    try:
        state, parent, *_ = (proc / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return state, int(parent)


def _works(proc: Path, number: int, parent: int) -> bool:
    state, actual = _state(proc, number)
    return actual == parent and state not in _STOPPED_OR_DEAD


def _answer(port: int, path: str) -> str | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            status = connection.makefile("rb").readline().split()
    except OSError as error:
        return f"{path} at port {port}: {error}"
    return None if status[1:2] == [b"200"] else f"{path} at port {port}: {b' '.join(status).decode(errors='replace')}"


if __name__ == "__main__":
    sys.exit(trouble(Path("/proc"), os.environ))
