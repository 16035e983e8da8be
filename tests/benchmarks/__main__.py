"""`just bench`: what the service does on this machine, each case by turns with the least that can do the same.

`just bench relay`, `worker`, `lists`, `logins` or `growth` measures that one thing alone, and more closely.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import pipeline
from tests.benchmarks.cases import CASES, Shop, give_to_bare, list_million
from tests.benchmarks.drive import require_wrk
from tests.benchmarks.processes import burst, memory, start_up
from tests.benchmarks.report import Report
from tests.benchmarks.shoppers import place_some, register_customers, seed_orders
from tests.benchmarks.stage import Services, real_services
from tests.benchmarks.streams import sse

FEW = 10_000
ORDERS_OF_EACH = 10
MILLION = "list-million"
OF_A_PROCESS = {"sse": sse, "burst": burst, "start-up": start_up}


def measure(services: Services, report: Report, given: argparse.Namespace, wanted: set[str]) -> None:
    if wanted & {*CASES, *OF_A_PROCESS, "memory", MILLION}:
        in_a_shop(services, report, given, wanted)
    if "relay" in wanted:
        pipeline.relays(services, report, events=given.events, rounds=given.rounds)
    if wanted & {"consumer", "worker", "pipeline"}:
        pipeline.run(services, report, wanted, orders=given.backlog, seconds=given.seconds, rounds=given.rounds)


def in_a_shop(services: Services, report: Report, given: argparse.Namespace, wanted: set[str]) -> None:
    stage = services.stage("shop")
    seed_orders(stage, FEW)
    with stage.app("ours") as ours, stage.app("bare", api="tests.benchmarks.bare") as bare:
        customers = register_customers(ours.address)
        placed = place_some(ours.address, customers, ORDERS_OF_EACH)
        give_to_bare(stage, placed)
        shop = Shop(stage, ours, bare, customers, placed, report, given.seconds, given.rounds)
        for name, case in CASES.items():
            if name in wanted:
                case(shop)
            if name == "list" and MILLION in wanted:
                list_million(shop, services)
        for name, case in OF_A_PROCESS.items():
            if name in wanted:
                case(shop)
        if "memory" in wanted:
            memory(shop, given.requests)


def main() -> None:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    everything = [*CASES, *OF_A_PROCESS, "memory", "relay", "consumer", "worker", "pipeline"]
    parser.add_argument("--only", metavar="CASE,CASE", help=", ".join(everything))
    parser.add_argument("--million", action="store_true", help="the list at 1,000,000 orders as well: takes minutes")
    parser.add_argument("--seconds", type=int, default=10, help="of each round of each case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes of the API, ours and bare")
    parser.add_argument("--requests", type=int, default=200_000, help="after which memory is looked at again")
    parser.add_argument("--events", type=int, default=50_000, help="in the relay's backlog")
    parser.add_argument("--backlog", type=int, default=5_000, help="orders for the consumer and the worker")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    wanted = set(given.only.split(",")) if given.only else set(everything)
    if given.million:
        wanted.add(MILLION)
    if unknown := wanted - {*everything, MILLION}:
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    require_wrk()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="order-service-bench-"))
    report = Report()
    with real_services(folder, given.workers) as services:
        measure(services, report, given, wanted)
    shutil.rmtree(folder)
    report.print()
    if given.json:
        given.json.write_bytes(report.json())
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
