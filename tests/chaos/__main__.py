"""`python -m tests.chaos`: kills processes and services under a working shop, and says what it cost."""

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path

from adapters.embedded.postgres import EmbeddedPostgres
from tests.chaos.campaign import run

FACTS = {
    "retries",
    "refused",
    "reads",
    "seconds to settle",
    "orders",
    "acknowledged",
    "on Kafka",
    "on Kafka again",
}
"""Figures that tell how it went; each of the others is a broken promise unless it is 0."""


def broken(figures: dict[str, int]) -> dict[str, int]:
    return {name: figure for name, figure in figures.items() if name not in FACTS and figure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--api-workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=20, help="when to stop killing in any case")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that Kafka is away is what we are here for
    print(f"seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="order-service-chaos-"))
    print(f"data and logs in {folder}", flush=True)
    found, killed = asyncio.run(
        run(
            folder,
            orders=given.orders,
            kills=given.kills,
            seed=given.seed,
            clients=given.clients,
            minutes=given.minutes,
            api_workers=given.api_workers,
        )
    )
    print(f"{'killed':38} {killed.total():>10}  ({', '.join(f'{who} {n}' for who, n in killed.most_common())})")
    for name, figure in found.items():
        print(f"{name:38} {figure:>10}")
    if given.json:
        given.json.write_text(json.dumps({"seed": given.seed, "killed": killed, **found}, indent=2) + "\n")
    if broken(found):
        print(f"Promises are broken; data and logs are in {folder}.")
        return 1
    EmbeddedPostgres(folder / "postgres").remove()
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
