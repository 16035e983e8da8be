"""The ceilings. Nothing is checked but the token, nothing limited, nothing logged; it is no service."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import jwt
import msgspec
from argon2 import PasswordHasher
from litestar import Litestar, Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from redis.asyncio import Redis
from sqlalchemy import make_url
from uuid_utils.compat import uuid7

TABLES = """
    CREATE TABLE IF NOT EXISTS bare_orders (
        id uuid PRIMARY KEY, customer_id uuid NOT NULL, placed_at timestamptz NOT NULL, body jsonb NOT NULL
    );
    CREATE INDEX IF NOT EXISTS ix_bare_orders ON bare_orders (customer_id, placed_at, id);
    CREATE TABLE IF NOT EXISTS bare_events (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id uuid NOT NULL, type text NOT NULL,
        payload jsonb NOT NULL
    );
"""
PLACE = "INSERT INTO bare_orders VALUES ($1, $2, $3, $4)"
TELL = "INSERT INTO bare_events (order_id, type, payload) VALUES ($1, 'order.placed', $2)"
READ = "SELECT body::text FROM orders WHERE id = $1"
FIRST_PAGE = """
    SELECT body::text FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC, id DESC LIMIT 50
"""
NEXT_PAGE = """
    SELECT body::text FROM orders WHERE customer_id = $1 AND (placed_at, id) < ($2, $3)
    ORDER BY placed_at DESC, id DESC LIMIT 50
"""
PASSWORD = "SELECT id, password_hash FROM accounts WHERE email = $1"

KEY = os.environ["SECRET_KEY"]
CONNECTIONS = 10  # as POSTGRES_POOL_SIZE has it by default
argon2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
threads = ThreadPoolExecutor(2)


class Line(msgspec.Struct):
    name: str
    quantity: int
    unit_price: Decimal


class NewOrder(msgspec.Struct):
    currency: str
    lines: list[Line]


class Order(msgspec.Struct):
    id: UUID
    customer_id: UUID
    placed_at: datetime
    currency: str
    lines: list[Line]


Asked = Request[Any, Any, Any]


def customer(request: Asked) -> UUID:
    token = request.headers["authorization"].removeprefix("Bearer ")
    return UUID(jwt.decode(token, KEY, algorithms=["HS256"], audience="order-service")["sub"])


@post("/api/v1/orders")
async def place(request: Asked, data: NewOrder) -> Response[bytes]:
    order = Order(uuid7(), customer(request), datetime.now(UTC), data.currency, data.lines)
    body = msgspec.json.encode(order)
    text = body.decode()
    async with request.app.state.postgres.acquire() as connection, connection.transaction():
        await connection.execute(PLACE, order.id, order.customer_id, order.placed_at, text)
        await connection.execute(TELL, order.id, text)
    return Response(body, media_type="application/json", status_code=201)


@get("/api/v1/orders/{order_id:str}")
async def read_cached(request: Asked, order_id: str) -> Response[bytes]:
    return Response(await request.app.state.redis.get(f"bare:{order_id}"), media_type="application/json")


@get("/uncached/{order_id:uuid}")
async def read(request: Asked, order_id: UUID) -> Response[str]:
    customer(request)
    return Response(await request.app.state.postgres.fetchval(READ, order_id), media_type="application/json")


@get("/api/v1/orders")
async def page(request: Asked, placed_before: datetime | None = None, id_before: UUID | None = None) -> Response[str]:
    if placed_before is None:
        rows = await request.app.state.postgres.fetch(FIRST_PAGE, customer(request))
    else:
        rows = await request.app.state.postgres.fetch(NEXT_PAGE, customer(request), placed_before, id_before)
    return Response(f'{{"items":[{",".join(row[0] for row in rows)}]}}', media_type="application/json")


@post("/api/v1/auth/token", status_code=200)
async def log_in(
    request: Asked, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> dict[str, str]:
    account_id, known = await request.app.state.postgres.fetchrow(PASSWORD, data["username"])
    await asyncio.get_running_loop().run_in_executor(threads, argon2.verify, known, data["password"])
    expires = datetime.now(UTC) + timedelta(hours=1)
    return {"access_token": jwt.encode({"sub": str(account_id), "exp": expires}, KEY, algorithm="HS256")}


@get("/readyz")
async def readyz(request: Asked) -> dict[str, str]:
    await request.app.state.postgres.fetchval("SELECT 1")
    return {}


@asynccontextmanager
async def connected(app: Litestar) -> AsyncIterator[None]:
    database = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql")
    async with asyncpg.create_pool(
        database.render_as_string(hide_password=False),
        min_size=CONNECTIONS,
        max_size=CONNECTIONS,
        server_settings={"random_page_cost": "1.1"},  # as ours: it has a part in which plan is taken
    ) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(1)")  # the workers start all at once
            await connection.execute(TABLES)
        app.state.postgres, app.state.redis = pool, Redis.from_url(os.environ["REDIS_URL"])
        yield
        await app.state.redis.aclose()


app = Litestar(
    route_handlers=[place, read_cached, read, page, log_in, readyz], lifespan=[connected], openapi_config=None
)
