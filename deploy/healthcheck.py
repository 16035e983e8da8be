"""Is the role in this container well? Ends with 0 if it is; else with 1, and a line that says what is wrong.

Asks /livez at METRICS_PORT, where each role tells whether all of its processes get on; or the pages that are named
behind it, such as `9464/livez 8010/readyz`.

Needs the standard library alone, and little of it: it is started every few seconds.
"""

import os
import socket
import sys
from collections.abc import Mapping, Sequence

_PATIENCE_SECONDS = 4.0
_LONGEST_ANSWER = 4_096


def trouble(pages: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What is wrong, if anything is. A page is a port and a path."""
    if not pages and not environment.get("METRICS_PORT"):
        return "METRICS_PORT is not set, so nobody can be asked"
    for page in pages or [f"{environment['METRICS_PORT']}/livez"]:
        port, _, path = page.partition("/")
        if found := _answer(int(port), f"/{path}"):
            return found
    return None


def _answer(port: int, path: str) -> str | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            answer = connection.makefile("rb").read(_LONGEST_ANSWER)
    except OSError as error:
        return f"{path} at port {port}: {error}"
    status, _, rest = answer.partition(b"\r\n")
    if status.split()[1:2] == [b"200"]:
        return None
    why = b" ".join([status, rest.partition(b"\r\n\r\n")[2]]).decode(errors="replace")
    return f"{path} at port {port}: {why}"


if __name__ == "__main__":
    sys.exit(trouble(sys.argv[1:], os.environ))
