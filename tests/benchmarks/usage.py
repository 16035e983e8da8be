"""What processes take of the machine, as Linux counts it."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Processes:
    """Some processes with all their children; asked for anew each time, as a role may be started again."""

    pids: Callable[[], Sequence[int]]

    def __iter__(self) -> Iterator[psutil.Process]:
        for pid in self.pids():
            process = psutil.Process(pid)
            yield process
            yield from process.children(recursive=True)

    def cpu_seconds(self) -> float:
        """With what children used that have ended since."""
        seconds = 0.0
        for process in self:
            with suppress(psutil.NoSuchProcess):  # it ended just now, and its parent counts it
                seconds += sum(process.cpu_times()[:4])
        return seconds


def peak_megabytes(processes: Processes) -> float:
    """Of the largest, since it was started."""
    statuses = (Path(f"/proc/{process.pid}/status").read_text() for process in processes)
    return max(int(found[1]) for status in statuses if (found := _PEAK.search(status))) / 1024


def megabytes(processes: Processes) -> float:
    """Of the largest, now: of an API's process that is the worker, which answers; its parent only looks after it."""
    return float(max(process.memory_info().rss for process in processes)) / 2**20
