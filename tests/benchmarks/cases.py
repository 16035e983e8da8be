"""The cases over HTTP: ours, and in turn with it what it is held against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
import redis

from tests.benchmarks.drive import Driven, Load, drive
from tests.benchmarks.report import Comparison, Report
from tests.benchmarks.shoppers import (
    ORDERS,
    Customer,
    Placed,
    lists,
    logging_in,
    placing,
    request,
    seed_orders,
    seeded_orders,
)
from tests.benchmarks.stage import Services, Stage, api_of
from tests.fleet.people import an_operator_token
from tests.fleet.roles import Fleet

WARM_UP_SECONDS = 1
MOST_CHANGES_PER_SECOND = 1_500
"""An order can be paid once, so a round of changes ends early where they are faster."""


@dataclass(frozen=True, slots=True)
class Shop:
    """`placed` are orders of `customers`, which the bare app finds in Redis. `seeded` are 10,000 of others."""

    stage: Stage
    ours: Fleet
    bare: Fleet
    customers: Sequence[Customer]
    placed: Sequence[Placed]
    report: Report
    seconds: int
    rounds: int

    def load(self, fleet: Fleet, requests: Sequence[bytes], *expected: int, once: bool = False) -> Load:
        return Load(
            address=fleet.address,
            api=api_of(fleet),
            services=self.stage.services,
            requests=requests,
            expected=frozenset(expected or {200}),
            once=once,
        )

    def by_turns(self, case: str, ours: Load, other: Load, against: str = "bare") -> None:
        for load in (ours, other):
            drive(load, WARM_UP_SECONDS)
        rounds = [(drive(ours, self.seconds), drive(other, self.seconds)) for _ in range(self.rounds)]
        self.report.compare(case, Comparison(against, [one for one, _ in rounds], [two for _, two in rounds]))


def give_to_bare(stage: Stage, placed: Sequence[Placed]) -> None:
    with redis.Redis.from_url(stage.redis) as client:
        for order in placed:
            client.set(f"bare:{order.order_id}", order.body)


def place(shop: Shop) -> None:
    both = placing(shop.customers)
    shop.by_turns("place", shop.load(shop.ours, both, 201), shop.load(shop.bare, both, 201))


def get(shop: Shop) -> None:
    both = reading(shop.placed)
    shop.by_turns("get", shop.load(shop.ours, both), shop.load(shop.bare, both))


def get_304(shop: Shop) -> None:
    known = [
        request("GET", f"{ORDERS}/{order.order_id}", order.token, If_None_Match=order.etag) for order in shop.placed
    ]
    against = shop.load(shop.ours, reading(shop.placed))
    shop.by_turns("get-304", shop.load(shop.ours, known, 304), against, "ours, get")


def get_uncached(shop: Shop) -> None:
    """Of an API where an order stays in the cache for a second; it comes again when all the others were read."""
    orders = seeded_orders(shop.stage)
    ours = [request("GET", f"{ORDERS}/{order_id}", token) for order_id, token in orders]
    bare = [request("GET", f"/uncached/{order_id}", token) for order_id, token in orders]
    with shop.stage.app("uncached", REDIS_CACHE_TTL="1") as uncached:
        shop.by_turns("get-uncached", shop.load(uncached, ours), shop.load(shop.bare, bare))


def list_page(shop: Shop) -> None:
    ours, bare = lists(shop.stage, shop.ours.address)
    shop.by_turns("list", shop.load(shop.ours, ours), shop.load(shop.bare, bare))


def list_million(shop: Shop, services: Services) -> None:
    """A million orders in a database of their own, against the 10,000 beside it: so both are asked by turns."""
    stage = services.stage("million")
    seed_orders(stage, 1_000_000)
    few, _ = lists(shop.stage, shop.ours.address)
    with stage.app("ours") as million:
        many, _ = lists(stage, million.address)
        shop.by_turns("list-million", shop.load(million, many), shop.load(shop.ours, few), "ours, at 10,000")


def change(shop: Shop) -> None:
    """An operator notes that they are paid, if they are as they were read."""
    token = an_operator_token()
    each = MOST_CHANGES_PER_SECOND * shop.seconds
    shop_load = shop.load(shop.ours, placing(shop.customers), 201)
    pending = pending_orders(shop, token, each * shop.rounds, place_more=partial(drive, shop_load, shop.seconds))
    json = {"Content_Type": "application/json"}
    paying = [
        request("PATCH", f"{ORDERS}/{order_id}", token, b'{"status":"PAID"}', If_Match=f'"{version}"', **json)
        for order_id, version in pending
    ]
    rounds = [
        drive(shop.load(shop.ours, paying[start : start + each], once=True), shop.seconds)
        for start in range(0, each * shop.rounds, each)
    ]
    shop.report.compare("change", Comparison("", rounds, []))


def pending_orders(
    shop: Shop, token: str, number: int, place_more: Callable[[], Driven]
) -> Sequence[tuple[str, int]]:
    query = """
        SELECT o.id, o.version FROM orders o JOIN accounts a ON a.id = o.customer_id
        WHERE o.status = 'PENDING' ORDER BY o.id LIMIT $1
    """
    while len(found := shop.stage.ask(query, number)) < number:
        place_more()
    order_id, version = str(found[0]["id"]), found[0]["version"]
    read = httpx.get(f"{shop.ours.address}{ORDERS}/{order_id}", headers={"Authorization": f"Bearer {token}"})
    assert read.headers["etag"] == f'"{version}"', "an ETag is a version in quotes"
    return [(str(row["id"]), row["version"]) for row in found]


def log_in(shop: Shop) -> None:
    both = logging_in(shop.customers)
    shop.by_turns("log-in", shop.load(shop.ours, both), shop.load(shop.bare, both))


def reading(placed: Sequence[Placed]) -> list[bytes]:
    return [request("GET", f"{ORDERS}/{order.order_id}", order.token) for order in placed]


CASES: dict[str, Callable[[Shop], None]] = {
    "list": list_page,
    "get-uncached": get_uncached,
    "get": get,
    "get-304": get_304,
    "log-in": log_in,
    "place": place,
    "change": change,
}
"""In this order, lists first: they are to be of 10,000 orders, and others place more."""
