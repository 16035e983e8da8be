"""`python -m tests.services up|down|status`: the services a developer's machine needs, in the background."""

import argparse
import fcntl
import os
import secrets
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from tests.services.kafka import TOPICS, KafkaServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.server import ROOT, ServiceError

SETTINGS = """\
settings (environment variables):
  SERVICES_REDIS_PORT        port of Redis, default: a free one
  SERVICES_REDIS_APPENDONLY  yes (default) or no: whether Redis keeps its data
  SERVICES_KAFKA_PORT        port of Kafka, default: a free one
  SERVICES_KAFKA_TOPICS      topic:partitions,... to make, default: {topics}
  ORDER_SERVICE_CACHE        where Kafka's jars are kept, default: var/cache
  KAFKA_OPTS                 more options for Kafka's JVM
"""


SETTING_OF = {
    "TEST_POSTGRES_URL": "DATABASE_URL",
    "TEST_REDIS_URL": "REDIS_URL",
    "TEST_KAFKA_BOOTSTRAP_SERVERS": "KAFKA_BOOTSTRAP_SERVERS",
}
"""As the tests call it -> as the service calls it: whoever sources the file can start every role."""


class Service(Protocol):
    """What is asked of a service here."""

    @property
    def name(self) -> str: ...
    @property
    def log(self) -> Path: ...
    @property
    def running(self) -> bool: ...
    @property
    def address(self) -> str:
        """Asked of a running service alone."""

    @property
    def env(self) -> dict[str, str]:
        """The TEST_... lines for the file `env`."""

    def start(self) -> None:
        """Returns when it serves; it outlives this process. Raises ServiceError."""

    def stop(self) -> None:
        """Returns when no process is left; nothing to do when none runs."""


def services(folder: Path) -> list[Service]:
    settings = os.environ
    topics = settings.get("SERVICES_KAFKA_TOPICS")
    return [
        PostgresServer(folder, detached=True),
        RedisServer(
            folder,
            int(settings.get("SERVICES_REDIS_PORT", "0")),
            detached=True,
            append_only=settings.get("SERVICES_REDIS_APPENDONLY", "yes") == "yes",
        ),
        KafkaServer(
            folder,
            int(settings.get("SERVICES_KAFKA_PORT", "0")),
            detached=True,
            topics=_topics(topics) if topics else TOPICS,
        ),
    ]


def up(folder: Path) -> int:
    wanted = services(folder)
    before = {service.name for service in wanted if service.running}
    failures = _all_at_once(wanted, lambda service: service.start())
    found = {key: shlex.quote(value) for service in wanted if service.running for key, value in service.env.items()}
    lines = [f"{key}={value}\n{SETTING_OF[key]}={value}\n" for key, value in found.items()]
    lines.append(f"SECRET_KEY={_secret_key(folder)}\n")
    draft = folder / "env.new"
    draft.touch(mode=0o600)  # a password is in it
    draft.write_text("".join(lines))
    draft.replace(folder / "env")
    _show(
        (
            service,
            "failed" if service.name in failures else "already up" if service.name in before else "started",
        )
        for service in wanted
    )
    return _complain(failures)


def _secret_key(folder: Path) -> str:
    """The same at each start: tokens stay good."""
    path = folder / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def down(folder: Path) -> int:
    wanted = services(folder)
    failures = _all_at_once(wanted, lambda service: service.stop())
    (folder / "env").unlink(missing_ok=True)
    return _complain(failures)


def status(folder: Path) -> int:
    wanted = services(folder)
    _show((service, "up" if service.running else "down") for service in wanted)
    return 0 if all(service.running for service in wanted) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.services",
        description="Redis and Kafka for development and tests, on 127.0.0.1, in the background.",
        epilog=SETTINGS.format(topics=",".join(f"{name}:{count}" for name, count in TOPICS.items())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "action",
        choices=["up", "down", "status"],
        help="up: start what is not running, wait until it serves, write FOLDER/env; "
        "down: stop all and keep the data; status: exit code 0 if all are up",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "var" / "services",
        help="data, logs, pid files and `env`, default: var/services",
    )
    options = parser.parse_args(arguments)
    folder: Path = options.folder.resolve()
    if options.action == "status":
        return status(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one `up` or `down` at a time
        return up(folder) if options.action == "up" else down(folder)


def _topics(setting: str) -> dict[str, int]:
    pairs = (pair.rpartition(":") for pair in setting.split(","))
    return {name.strip(): int(count) for name, _, count in pairs}


def _all_at_once(wanted: Sequence[Service], action: Callable[[Service], None]) -> dict[str, ServiceError]:
    """Does not let one failure keep the others from it."""
    failures = {}
    with ThreadPoolExecutor(len(wanted)) as each:
        for service, doing in [(service, each.submit(action, service)) for service in wanted]:
            try:
                doing.result()
            except ServiceError as failure:
                failures[service.name] = failure
    return failures


def _show(states: Iterable[tuple[Service, str]]) -> None:
    rows = [("service", "state", "address", "log")]
    for service, state in states:
        rows.append((service.name, state, service.address if service.running else "-", str(service.log)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _complain(failures: dict[str, ServiceError]) -> int:
    for name, failure in failures.items():
        print(f"{name}: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
