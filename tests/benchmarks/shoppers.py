"""Who asks, and what: requests as the bytes that go over the wire."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import msgspec

from adapters.persistence.engine import create_engine
from adapters.persistence.seeding import seed
from order_service.domain.actor import Role
from tests.benchmarks.stage import Stage
from tests.fleet.people import a_token

ACCOUNTS, ORDERS, TOKEN = "/api/v1/accounts", "/api/v1/orders", "/api/v1/auth/token"
CUSTOMERS = 50
PASSWORD = "correct horse battery"
PAGE = 50
BODY = msgspec.json.encode(
    {
        "currency": "EUR",
        "lines": [{"name": name, "quantity": 2, "unit_price": "4.50"} for name in ("Mug", "Pot", "Spoon")],
    }
)


@dataclass(frozen=True, slots=True)
class Customer:
    email: str
    token: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An order with its customer's token, as it was read."""

    order_id: str
    token: str
    etag: str
    body: bytes


def request(method: str, path: str, token: str = "", body: bytes = b"", **headers: str) -> bytes:
    """Headers by their names with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def placing(customers: Sequence[Customer]) -> list[bytes]:
    json = {"Content_Type": "application/json", "Idempotency_Key": "@KEY@"}
    return [request("POST", ORDERS, customer.token, BODY, **json) for customer in customers]


def logging_in(customers: Sequence[Customer]) -> list[bytes]:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    fields = {"grant_type": "password", "password": PASSWORD}
    return [
        request("POST", TOKEN, body=urlencode({**fields, "username": customer.email}).encode(), **form)
        for customer in customers
    ]


def register_customers(address: str) -> list[Customer]:
    customers = []
    with httpx.Client(base_url=address, timeout=30) as http:
        for _ in range(CUSTOMERS):
            email = f"{uuid4().hex}@example.com"
            http.post(ACCOUNTS, json={"email": email, "password": PASSWORD}).raise_for_status()
            form = {"grant_type": "password", "username": email, "password": PASSWORD}
            answer = http.post(TOKEN, data=form).raise_for_status()
            customers.append(Customer(email, answer.json()["access_token"]))
    return customers


def place_some(address: str, customers: Sequence[Customer], each: int) -> list[Placed]:
    placed = []
    with httpx.Client(base_url=address, timeout=30) as http:
        for customer in customers:
            headers = {"Authorization": f"Bearer {customer.token}"}
            for _ in range(each):
                json = {**headers, "Content-Type": "application/json"}
                path = http.post(ORDERS, content=BODY, headers=json).raise_for_status().headers["location"]
                read = http.get(path, headers=headers).raise_for_status()
                order_id = path.rpartition("/")[2]
                placed.append(Placed(order_id, customer.token, read.headers["etag"], read.content))
    return placed


def seed_orders(stage: Stage, number: int) -> None:
    async def fill() -> None:
        engine = create_engine(stage.database, pool_size=3, patience=None)
        customers = max(number // 20, 1)
        async for done in seed(engine, number, customers=customers, reader="relay", until=datetime.now(UTC)):
            if done % 100_000 == 0:
                print(f"  {done} orders seeded", flush=True)
        await engine.dispose()

    asyncio.run(fill())


def seeded_orders(stage: Stage) -> list[tuple[UUID, str]]:
    """Of those seeded, whose customers have no accounts: each with a token of its customer."""
    rows = stage.ask("SELECT id, customer_id FROM orders o WHERE NOT EXISTS "
                     "(SELECT FROM accounts WHERE id = o.customer_id)")  # fmt: skip
    tokens = {customer: a_token(customer, Role.CUSTOMER) for customer in {row["customer_id"] for row in rows}}
    return [(row["id"], tokens[row["customer_id"]]) for row in rows]


def lists(stage: Stage, address: str) -> tuple[list[bytes], list[bytes]]:
    """The first two pages of customers who have so many orders, as they are asked of ours and of the bare app."""
    many = stage.ask(
        "SELECT customer_id FROM orders GROUP BY 1 HAVING count(*) >= $1 ORDER BY customer_id LIMIT 50", 2 * PAGE
    )
    ours, bare = [], []
    with httpx.Client(base_url=address, timeout=30) as http:
        for row in many:
            token = a_token(row["customer_id"], Role.CUSTOMER)
            first = http.get(f"{ORDERS}?limit={PAGE}", headers={"Authorization": f"Bearer {token}"})
            page = first.raise_for_status().json()
            last = page["items"][-1]
            next_page = urlencode({"limit": PAGE, "cursor": page["next_cursor"]})
            place = urlencode({"placed_before": last["placed_at"], "id_before": last["id"]})
            ours += [request("GET", f"{ORDERS}?limit={PAGE}", token), request("GET", f"{ORDERS}?{next_page}", token)]
            bare += [request("GET", ORDERS, token), request("GET", f"{ORDERS}?{place}", token)]
    return ours, bare
