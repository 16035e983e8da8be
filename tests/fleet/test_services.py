"""Another system over several API processes: what its secret opens, and that all of it ends with the secret."""

import asyncio
from typing import Any

import msgspec
from sqlalchemy import make_url

from tests.composition.test_people import order_service
from tests.fleet.test_sessions import HEARD_SECONDS, TRIES, a_customer, address, ask, bearer, log_in

__all__ = ["address"]  # a fixture


async def token_of(address: str, secret: dict[str, str]) -> dict[str, Any]:
    answer = await ask("POST", f"{address}/auth/token", data={"grant_type": "client_credentials", **secret})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def statuses(address: str, tokens: dict[str, Any]) -> set[int]:
    """What the access token is good for, at each process."""
    tries = [ask("GET", f"{address}/orders", headers=bearer(tokens)) for _ in range(TRIES)]
    return {answer.status_code for answer in await asyncio.gather(*tries)}


async def test_a_service_works_in_every_process_until_its_secret_ends(
    address: str, environment: dict[str, str]
) -> None:
    database = make_url(environment["DATABASE_URL"])

    async def command(*arguments: str) -> dict[str, str]:
        done = await asyncio.to_thread(order_service, database, *arguments)
        assert done.returncode == 0, done.stderr
        shown: dict[str, str] = msgspec.json.decode(done.stdout) if "--json" in arguments else {}
        return {name: shown[name] for name in shown if name.startswith("client_")}

    first = await command("create-service", "billing", "--scope=orders:read", "--scope=payments:write", "--json")
    tokens = await token_of(address, first)
    assert await statuses(address, tokens) == {200}

    ann = (await log_in(address, await a_customer(address))).json()
    lines = [{"name": "Mug", "quantity": 3, "unit_price": "4.50"}]
    order = (
        await ask("POST", f"{address}/orders", json={"currency": "EUR", "lines": lines}, headers=bearer(ann))
    ).json()
    payments = f"{address}/orders/{order['id']}/payments"
    payment = {"payment_id": "pay-1", "amount": "13.50"}
    told = await asyncio.gather(*(ask("POST", payments, json=payment, headers=bearer(tokens)) for _ in range(TRIES)))
    assert {answer.status_code for answer in told} == {201}
    assert {answer.json()["captured"] for answer in told} == {"13.50"}

    second = await command("rotate-service-secret", "billing", "--json")
    await asyncio.sleep(HEARD_SECONDS)
    assert await statuses(address, tokens) == {401}
    refused = await ask("POST", f"{address}/auth/token", data={"grant_type": "client_credentials", **first})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    tokens = await token_of(address, second)
    assert await statuses(address, tokens) == {200}
    await command("remove-service", "billing")
    await asyncio.sleep(HEARD_SECONDS)
    assert await statuses(address, tokens) == {401}
    assert (await ask("GET", f"{address}/orders", headers=bearer(ann))).status_code == 200
