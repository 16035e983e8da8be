"""Notes who it is, ties its life to its parent's when asked, and becomes a server.

    python -I -S launch.py PID_FILE PORT PARENT_OR_0 PROGRAM [ARGUMENT ...]

The note is written before the server exists, so whatever is killed, and whenever, no server runs without one.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def born(pid: int) -> str | None:
    """What tells this process from a later one with the same number: boot and tick of its start."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    ticks = stat.rpartition(")")[2].split()[19]  # the name before it may hold spaces and brackets
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{ticks}"


def main(pid_file: str, port: str, parent: str, *command: str) -> None:
    if parent != "0":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # kept by exec
        if os.getppid() != int(parent):
            sys.exit("the parent ended first")
    draft = Path(f"{pid_file}.new")
    draft.write_text(f"{os.getpid()} {born(os.getpid())} {port}\n")
    draft.replace(pid_file)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, a server inherits that
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(*sys.argv[1:])
