"""A process of the API: how long it takes to start, what it holds after very many requests, reads amid log-ins."""

import asyncio
import random
import statistics
import time

from adapters.embedded.postgres import EmbeddedPostgres
from tests.benchmarks import logins
from tests.benchmarks.cases import Shop, reading
from tests.benchmarks.drive import drive_so_many
from tests.benchmarks.shoppers import ORDERS, PAGE, placing, request
from tests.benchmarks.stage import api_of
from tests.benchmarks.usage import megabytes
from tests.crash.service import Service
from tests.services.server import free_port

EARLY = 20
"""Memory is looked at first after this part of the requests: 10,000 of 200,000."""


def memory(shop: Shop, requests: int) -> None:
    """Of a new process, after requests of every usual kind."""
    mixed = [
        *placing(shop.customers),
        *reading(shop.placed),
        *(
            request("GET", f"{ORDERS}/{order.order_id}", order.token, If_None_Match=order.etag)
            for order in shop.placed
        ),
        *(request("GET", f"{ORDERS}?limit={PAGE}", customer.token) for customer in shop.customers),
    ]
    random.Random(0).shuffle(mixed)
    with shop.stage.app("memory") as fresh:
        load = shop.load(fresh, mixed, 200, 201, 304)
        early = requests // EARLY
        held = []
        for number in (early, requests - early):
            shop.report.check("memory", drive_so_many(load, number))
            held.append(megabytes(api_of(fresh)))
    shop.report.note(f"memory: MB after {early} requests", held[0])
    shop.report.note(f"memory: MB after {requests} requests", held[1])
    shop.report.goals["memory"] = held[1] / held[0]


def burst(shop: Shop) -> None:
    with shop.stage.app("burst", api="tests.benchmarks.watched_api") as watched:
        found = asyncio.run(logins.measure(watched.address, 0, shop.rounds))
    for when in ("alone", "during log-ins"):
        for part in ("p50", "p99"):
            shop.report.note(f"burst: ms of a read {when}, {part}", found[f"read {when}, {part}, median, ms"])


def start_up(shop: Shop) -> None:
    """To the first answer that it is ready; the whole service in one process on data that is there."""
    seconds = []
    for _ in range(shop.rounds):
        began = time.monotonic()
        with shop.stage.app("started"):
            seconds.append(time.monotonic() - began)
    shop.report.note("start-up: s of the API's process", statistics.median(seconds))
    folder = shop.stage.folder / "up"
    folder.mkdir()
    service = Service(folder, free_port())
    try:
        for _ in range(1 + shop.rounds):  # the first makes the data
            service.start()
            try:
                asyncio.run(service.until_ready())
            finally:
                service.stop()
    finally:
        EmbeddedPostgres(folder / "var" / "postgres").remove()
    shop.report.note("start-up: s of `just up`", statistics.median(service.seconds_to_ready[1:]))
