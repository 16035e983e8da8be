"""`python -m tests.schema`: Schemathesis with all its checks against the running service."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from pathlib import Path

from adapters.embedded.postgres import EmbeddedPostgres
from tests.schema.campaign import ALL_PHASES, Campaign, Found

SUCCESS = range(200, 300)


async def run(folder: Path, *, cases: int, seed: int, examples: int) -> Found:
    """First all phases, then long walks along the links, each round with a seed of its own, until it were enough."""
    campaign, found = Campaign(folder), Found()
    phases = ALL_PHASES
    try:
        await campaign.start()
        while found.cases < cases:
            found.add(await campaign.run(seed=seed, examples=examples, phases=phases))
            print(f"after seed {seed}: {found.cases} cases, {found.failures.total()} failures", flush=True)
            seed, phases = seed + 1, "stateful"
    finally:
        campaign.stop()
    return found


def tell(found: Found) -> None:
    print(f"\n{'answered with 2xx':70} {'2xx':>6} {'all':>6}")
    methods = {operation: answers for operation, answers in found.answers.items() if set(answers) - {204, 405}}
    for operation, answers in sorted(methods.items(), key=lambda entry: entry[0].split()[::-1]):
        fine = sum(count for status, count in answers.items() if status in SUCCESS)
        print(f"{operation:70} {fine:6} {answers.total():6}  {fine / answers.total():6.1%}")
    print(f"\n{'cases':40} {found.cases:>8}")
    for check, count in found.failures.items():
        print(f"{check:40} {count:>8}")
    print(f"{'failures':40} {found.failures.total():>8}")
    print(f"{'5xx':40} {found.server_errors:>8}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.schema", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="at least so many (default: 20000)")
    parser.add_argument("--examples", type=int, default=100, help="per operation, phase, role and round")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="order-service-schema-"))
    found = asyncio.run(run(folder, cases=given.cases, seed=given.seed, examples=given.examples))
    tell(found)
    if not found.is_clean:
        print(f"Data, logs and reports are in {folder}.")
        return 1
    EmbeddedPostgres(folder / "var" / "postgres").remove()
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
