"""`just bench`: what the service does on this machine, each case by turns with the least that can do the same.

`just bench relay`, `worker`, `lists` or `logins` measures that one thing alone, and more closely.
"""

import argparse
import logging
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.cases import CASES, Shop, give_to_bare, list_million
from tests.benchmarks.drive import require_wrk
from tests.benchmarks.report import Report
from tests.benchmarks.shoppers import place_some, register_customers, seed_orders
from tests.benchmarks.stage import Services, real_services

ALONE = ("relay", "worker", "lists", "logins")
FEW = 10_000
ORDERS_OF_EACH = 10


def measure(services: Services, report: Report, given: argparse.Namespace, wanted: set[str]) -> None:
    if wanted & {*CASES, "list-million"}:
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
                if name == "list" and "list-million" in wanted:
                    list_million(shop, services)


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in ALONE:
        runpy.run_module(f"tests.benchmarks.{sys.argv.pop(1)}", run_name="__main__", alter_sys=True)
        return
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    everything = [*CASES]
    parser.add_argument("--only", metavar="CASE,CASE", help=", ".join(everything))
    parser.add_argument("--million", action="store_true", help="the list at 1,000,000 orders as well: takes minutes")
    parser.add_argument("--seconds", type=int, default=10, help="of each round of each case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="processes of the API, ours and bare")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    wanted = set(given.only.split(",")) if given.only else set(everything)
    if given.million:
        wanted.add("list-million")
    if unknown := wanted - {*everything, "list-million"}:
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
