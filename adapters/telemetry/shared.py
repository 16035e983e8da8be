"""What several processes of one role count: each in files of its own, in a directory that they share."""

import os
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for it
_OF_THE_DEAD = "gone"


def is_shared() -> bool:
    """Whether a process above this one has made a directory to count in."""
    return _DIRECTORY in os.environ


@contextmanager
def shared_directory() -> Iterator[Path]:
    """For this process and those that it starts meanwhile."""
    with tempfile.TemporaryDirectory(prefix="order-service-metrics-", ignore_cleanup_errors=True) as made:
        os.environ[_DIRECTORY] = made
        try:
            yield Path(made)
        finally:
            del os.environ[_DIRECTORY]


def shared_registry(directory: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Shared(directory))
    return registry


class _Shared(Collector):
    """What processes counted stays when they end; what was sampled of them goes.

    The files of those that have ended are added up into one, so that there are never more than processes.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: MultiProcessCollector = MultiProcessCollector(None, str(directory))
        self._one_at_a_time = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        with self._one_at_a_time:
            living = []
            for pid in {file.stem.rpartition("_")[2] for file in self._directory.glob("*.db")} - {_OF_THE_DEAD}:
                if _lives(int(pid)):
                    living.append(int(pid))
                else:
                    self._bury(pid)
            return [*self._files.collect(), *_of_processes(living)]

    def _bury(self, pid: str) -> None:
        mark_process_dead(pid, str(self._directory))
        for file in self._directory.glob(f"*_{pid}.db"):
            grave = MmapedDict(str(file.with_name(f"{file.stem.rpartition('_')[0]}_{_OF_THE_DEAD}.db")))
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
                grave.write_value(key, grave.read_value(key)[0] + value, 0.0)
            grave.close()
            file.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _of_processes(pids: Iterable[int]) -> Iterable[Metric]:
    """What the library tells of one process, of all of them together: the sum, but of times and limits the least."""
    found: dict[str, Metric] = {}
    values: dict[str, list[float]] = defaultdict(list)
    for pid in pids:
        for metric in ProcessCollector(pid=partial(int, pid), registry=CollectorRegistry()).collect():
            found[metric.name] = metric
            values[metric.name] += [sample.value for sample in metric.samples]
    for name, metric in found.items():
        together = min if name.endswith(("_start_time_seconds", "_max_fds")) else sum
        (sample,) = metric.samples
        metric.samples = [sample._replace(value=together(values[name]))]
    return found.values()
