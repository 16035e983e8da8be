"""The worker's process, `python -m composition.worker`: screens orders, with any number of processes and threads.

It is Dramatiq's own command, and takes its options, such as `--processes 2 --threads 8`; only logging is ours.
"""

import sys

from dramatiq.cli import main, make_argument_parser

from composition.jobs import job_broker
from composition.process import resources, starting
from composition.telemetry.counting import Telemetry, process_metrics
from composition.telemetry.exposing import exposed_for_all


def work() -> int:
    with starting() as settings:
        found = resources(settings, "worker")
        arguments = ["composition.worker:broker", "--skip-logging", *sys.argv[1:]]
        parser = make_argument_parser()  # type: ignore[no-untyped-call]  # dramatiq has no annotations here
        with exposed_for_all("worker", settings, found.database):
            code: int = main(parser.parse_args(arguments))  # type: ignore[no-untyped-call]  # nor here
    return code


if __name__ == "__main__":
    sys.exit(work())
else:
    with starting() as _settings:
        broker = job_broker(_settings, resources(_settings, "worker"), Telemetry(process_metrics(), "worker"))
