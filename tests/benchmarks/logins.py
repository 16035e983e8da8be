"""`just bench logins`: what the time of a refused log-in tells, and what 100 log-ins at once cost everybody else.

Of two kinds of refusals, each made very often and in random order, `auc` is how often one of the first kind takes
longer than one of the second: 0.5 if nobody can tell them apart. `p` is the probability of an `auc` at least as far
from 0.5 if there is no difference at all (Mann and Whitney's test).
"""

import argparse
import asyncio
import json
import math
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import httpx

from tests.benchmarks.shoppers import ACCOUNTS, ORDERS, TOKEN
from tests.benchmarks.stage import QUOTAS
from tests.benchmarks.worker import services
from tests.fleet.roles import Fleet
from tests.services.server import free_port

AT_ONCE = 100
READS = 1000
IDLE_SECONDS = 3.0
PASSWORD = "correct horse battery"

Figures = dict[str, float]


async def register(http: httpx.AsyncClient) -> str:
    email = f"{uuid4().hex}@example.com"
    assert (await http.post(ACCOUNTS, json={"email": email, "password": PASSWORD})).status_code == 201
    return email


async def log_in(http: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post(TOKEN, data={"grant_type": "password", "username": email, "password": password})


async def milliseconds(ask: Awaitable[httpx.Response], *statuses: int) -> float:
    began = time.perf_counter()
    answer = await ask
    assert answer.status_code in statuses, answer.text
    return 1000 * (time.perf_counter() - began)


def told(name: str, times: Sequence[float]) -> Figures:
    tenths = statistics.quantiles(times, n=10)
    figures = {"p10": tenths[0], "p50": tenths[4], "p90": tenths[8], "mean": statistics.fmean(times)}
    return {f"{name}, {part}, ms": round(figure, 3) for part, figure in figures.items()}


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """`auc` and `p`, see above. No two times are equal, or so few that it does not matter."""
    ranked = sorted([(each, True) for each in one] + [(each, False) for each in other])
    rank_sum = sum(rank for rank, (_, is_one) in enumerate(ranked, start=1) if is_one)
    pairs = len(one) * len(other)
    auc = (rank_sum - len(one) * (len(one) + 1) / 2) / pairs
    deviations = abs(auc - 0.5) / math.sqrt((len(one) + len(other) + 1) / (12 * pairs))
    return auc, math.erfc(deviations / math.sqrt(2))


async def refusals(http: httpx.AsyncClient, tries: int) -> Figures:
    """One after the other. Two kinds of unknown addresses, which cannot differ, show what chance alone does."""
    ann, accounts = await register(http), [await register(http) for _ in range(20)]
    token = (await log_in(http, ann)).json()["access_token"]
    ann_headers = {"Authorization": f"Bearer {token}"}
    change = {"current_password": "wrong", "new_password": "purple tin roof"}
    kinds: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
        "unknown address": lambda: log_in(http, f"{uuid4().hex}@example.com", "wrong"),
        "unknown address again": lambda: log_in(http, f"{uuid4().hex}@example.com", "wrong"),
        "one account": lambda: log_in(http, ann, "wrong"),
        "twenty accounts": lambda: log_in(http, random.choice(accounts), "wrong"),
        "no address": lambda: log_in(http, "ann", "wrong"),
        "change of password": lambda: http.post(f"{ACCOUNTS}/me/password", json=change, headers=ann_headers),
    }
    order = [name for name in kinds for _ in range(tries)]
    random.shuffle(order)
    for name in list(kinds) * 20:  # until connections, statements and caches are warm
        await kinds[name]()
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for name in order:
        times[name].append(await milliseconds(kinds[name](), 400, 422))
    found: Figures = {}
    for name, each in times.items():
        found |= told(name, each)
    unknown = times["unknown address"]
    for name in ("unknown address again", "one account", "twenty accounts"):
        auc, p = difference(times[name], unknown)
        found[f"{name} - unknown address, p50, ms"] = round(
            statistics.median(times[name]) - statistics.median(unknown), 3
        )
        found[f"{name} - unknown address, auc"] = round(auc, 3)
        found[f"{name} - unknown address, p"] = round(p, 3)
    return found


async def stalls(http: httpx.AsyncClient, when: str) -> Figures:
    """In milliseconds, since it was asked last."""
    told = (await http.get("/stall")).json()
    return {f"longest stall, {when}": told["stalled"], f"longest stall, {when}, of its own doing": told["busy"]}


async def bursts(http: httpx.AsyncClient, rounds: int) -> Figures:
    """The longest stall of the event loop, and how long reads take: while nothing, and while log-ins happen."""
    emails = [await register(http) for _ in range(AT_ONCE)]
    token = (await log_in(http, emails[0])).json()["access_token"]
    reader = {"Authorization": f"Bearer {token}"}
    order = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 1, "unit_price": "1.00"}]}
    path = (await http.post(ORDERS, json=order, headers=reader)).headers["location"]
    await asyncio.gather(*(log_in(http, email) for email in emails))  # opens the connections

    found: dict[str, list[float]] = {}

    def note(figures: Figures) -> None:
        for name, figure in figures.items():
            found.setdefault(name, []).append(figure)

    for _ in range(rounds):
        await stalls(http, "")
        await asyncio.sleep(IDLE_SECONDS)
        note(await stalls(http, "idle"))

        alone = [await milliseconds(http.get(path, headers=reader), 200) for _ in range(READS)]
        note(await stalls(http, "reads"))

        await asyncio.gather(*(http.get(path, headers=reader) for _ in range(AT_ONCE)))
        note(await stalls(http, f"{AT_ONCE} reads at once"))

        began = time.perf_counter()
        log_ins = await asyncio.gather(*(milliseconds(log_in(http, email), 200) for email in emails))
        note({f"{AT_ONCE} log-ins at once, all answered after": 1000 * (time.perf_counter() - began)})
        note(await stalls(http, f"{AT_ONCE} log-ins at once"))
        note({"log-in, p50": statistics.median(log_ins)})

        meanwhile: list[float] = []
        logging_in = asyncio.gather(*(log_in(http, email) for email in emails))
        while not logging_in.done():
            meanwhile.append(await milliseconds(http.get(path, headers=reader), 200))
        note(await stalls(http, "reads and log-ins"))
        for name, times in (("alone", alone), ("during log-ins", meanwhile)):
            percents = statistics.quantiles(times, n=100)
            note({f"read {name}, p50": percents[49]})
            note({f"read {name}, p99": percents[98]})
    return {
        f"{name}, {which}, ms": round(choose(figures), 2)
        for name, figures in found.items()
        for which, choose in (("best", min), ("median", statistics.median))
    }


async def measure(address: str, tries: int, rounds: int) -> Figures:
    limits = httpx.Limits(max_connections=AT_ONCE + 1, max_keepalive_connections=None)
    found: Figures = {}
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as http:
        parts = [refusals(http, tries)] if tries else []
        for part in [*parts, bursts(http, rounds)]:
            figures = await part
            found |= figures
            for name, figure in figures.items():
                print(f"{name:55} {figure:>10g}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.logins", description=__doc__)
    parser.add_argument("--tries", type=int, default=1000, help="of each kind of refusal; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="order-service-bench-"))
    with (
        services(folder) as environment,
        Fleet(folder, {**environment, **QUOTAS}, port=free_port(), api="tests.benchmarks.watched_api") as fleet,
    ):
        fleet.start("api")
        fleet.until_ready()
        found = asyncio.run(measure(fleet.address, given.tries, given.rounds))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
