"""All that is counted, with the names and labels that dashboards and alerts use.

A label has few values: never an id, an address or anything that a client chooses.
"""

import math
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

PREFIX = "order_service"

Mode = Literal["livesum", "livemax", "liveall"]

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds in which somebody waits: a read from the cache takes 1 ms, and PostgreSQL is given up after 10 s."""

_BACKGROUND = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Seconds in which nobody waits, up to the time limit of a job."""


class Metrics:
    """Of one process, in `registry`. Where several share a directory (`shared`), a scrape reads that instead.

    What is sampled is the sum of all processes, or of each (`pid` is a label then), as long as they are there.
    """

    def __init__(self, *, shared: bool = False) -> None:
        if shared and not values.ValueClass._multiprocess:
            # The library chooses by the environment when it is imported; a forked process has it imported already.
            values.ValueClass = values.MultiProcessValue()
        self.registry = CollectorRegistry()

        self.build = self._gauge("build_info", "What runs here; always 1.", "version", "role", mode="livemax")

        # HTTP
        self.http_requests = self._counter(
            "http_requests_total", "Requests answered, by the address's template.", "method", "route", "status"
        )
        self.http_seconds = self._histogram(
            "http_request_seconds", "Until the answer begins.", "method", "route", buckets=_QUICK
        )
        self.http_in_progress = self._gauge(
            "http_requests_in_progress", "Requests that are worked on, and streams that are open.", "kind"
        )

        # Use cases
        self.use_case_seconds = self._histogram(
            "use_case_seconds",
            "Calls of use cases; outcome: done, refused, unavailable (a dependency was), canceled or failed (a bug).",
            "use_case",
            "outcome",
            buckets=_QUICK,
        )

        # What a process stands on
        self.postgresql_connections = self._gauge(
            "postgresql_connections", "Open connections, by pool; state: in_use or idle.", "pool", "state"
        )
        self.postgresql_most = self._gauge(
            "postgresql_connections_most", "Connections that pools may open at most.", "pool"
        )
        self.passwords_in_hand = self._gauge(
            "passwords_in_hand", "Passwords being hashed or waiting for it; each process takes 128."
        )
        self.cache_reads = self._counter("cache_reads_total", "Reads of the order cache: hit or miss.", "outcome")
        self.cache_bypassed = self._gauge(
            "cache_bypassed_processes", "Processes that go around Redis, as it was gone."
        )
        self.limiter_takes = self._counter(
            "limiter_takes_total",
            "Requests counted against a quota: allowed, refused, or unavailable (no Redis, so no answer).",
            "quota",
            "outcome",
        )
        self.limiter_unchecked = self._counter(
            "limiter_unchecked_total", "Requests let through uncounted, as Redis did not answer."
        )

        # The relay
        self.relay_active = self._gauge("relay_active", "1 where events are published, 0 where a relay stands by.")
        self.relay_events = self._counter("relay_published_events_total", "Events acknowledged by Kafka.")
        self.relay_seconds = self._histogram(
            "relay_publish_seconds", "Publishing a batch, until Kafka has it.", buckets=_BACKGROUND
        )

        # The consumer
        self.message_seconds = self._histogram(
            "message_seconds",
            "Messages heard; outcome: done, dead (to the dead letters) or waits (a dependency is gone).",
            "topic",
            "outcome",
            buckets=_BACKGROUND,
        )

        # The worker
        self.job_seconds = self._histogram(
            "job_seconds",
            "Orders processed by the worker; outcome: done, refused, unavailable, canceled or failed.",
            "outcome",
            buckets=_BACKGROUND,
        )

        # The scheduler, and what it sees of all processes together
        self.chore_runs = self._counter(
            "chore_runs_total", "Chores; outcome: done, waits (a dependency is gone) or failed.", "chore", "outcome"
        )
        self.chore_items = self._counter("chore_items_total", "What chores had to do something about.", "chore")
        self.chore_succeeded = self._gauge(
            "chore_last_success_timestamp_seconds", "When a chore was done last.", "chore", mode="livemax"
        )
        self.relay_lag_events = self._fleet("relay_lag_events", "Events that are not on Kafka yet.")
        self.relay_lag_seconds = self._fleet("relay_lag_seconds", "The age of the oldest event that is not on Kafka.")
        self.consumer_lag = self._fleet("consumer_lag_messages", "Messages that are not heard yet.", "topic")
        self.queue_jobs = self._fleet("queue_jobs", "Jobs: waiting, delayed, running or dead.", "state")
        self.dead_letters = self._fleet("dead_letters", "Dead letters that wait: neither put back nor dismissed.")
        self.stalled_orders = self._fleet("stalled_orders", "Orders that wait for screening too long; 1000 at most.")

        # Whether a process gets on
        self.loop_turned = self._gauge(
            "loop_turned_timestamp_seconds", "When an event loop turned last.", "loop", mode="liveall"
        )
        self.loop_delay = self._gauge(
            "loop_delay_seconds",
            "How much too late an event loop turned, at most within the last minute.",
            "loop",
            mode="livemax",
        )
        self.longest_work = self._gauge(
            "longest_work_seconds",
            "For how long the oldest message, job or batch has been in hand.",
            "loop",
            mode="liveall",
        )

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", help, labels, registry=self.registry, buckets=buckets)

    def _gauge(self, name: str, help: str, *labels: str, mode: Mode = "livesum") -> Gauge:
        return Gauge(f"{PREFIX}_{name}", help, labels, registry=self.registry, multiprocess_mode=mode)

    def _fleet(self, name: str, help: str, *labels: str) -> Gauge:
        """Of all processes together, as a scheduler sees it: not a number while it cannot."""
        gauge = self._gauge(name, f"{help} Not a number while nobody can tell.", *labels, mode="livemax")
        if not labels:
            gauge.set(math.nan)  # a nought of whoever is no scheduler would hide that none can tell
        return gauge
