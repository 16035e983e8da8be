"""`python -m tests.crash`: kills the embedded service at random moments, and says what it cost."""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from adapters.embedded.postgres import EmbeddedPostgres
from tests.crash.campaign import run

FACTS = {
    "kills",
    "kills before it was ready",
    "retries",
    "orders",
    "acknowledged",
    "seconds to ready, first",
    "seconds to ready, median",
    "seconds to ready, longest",
}
"""Figures that tell how it went; each of the others is a broken promise unless it is 0."""


def broken(figures: dict[str, float]) -> dict[str, float]:
    return {name: figure for name, figure in figures.items() if name not in FACTS and figure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="order-service-crash-"))
    try:
        found = asyncio.run(run(folder, kills=given.kills, seed=given.seed, clients=given.clients))
    except BaseException:
        print(f"The campaign broke off; data and logs are in {folder}.", flush=True)
        raise
    for name, figure in found.items():
        print(f"{name:38} {figure:>10g}")
    if given.json:
        given.json.write_text(json.dumps({"seed": given.seed, **found}, indent=2) + "\n")
    if broken(found):
        print(f"Promises are broken; data and logs are in {folder}.")
        return 1
    EmbeddedPostgres(folder / "var" / "postgres").remove()
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
