"""What whoever runs a shop of processes sees of its machinery by command, and mends."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx

from adapters.worker.queue import make_broker, to_process
from order_service.domain.errors import OrderNotFound
from tests.composition.test_cli import run
from tests.fleet.people import a_customer
from tests.fleet.roles import Fleet
from tests.fleet.test_end_to_end import AN_ORDER, reads
from tests.fleet.topics import send, tell
from tests.fleet.waiting import until
from tests.services import RedisServer
from tests.worker.test_job_board import _fail as fail


async def test_dead_letters_are_listed_put_back_once_and_heard(
    fleet: Fleet, environment: dict[str, str], kafka_bootstrap_servers: str
) -> None:
    payments, long_key = environment["KAFKA_PAYMENTS_TOPIC"], f"no id {uuid4().hex} nor anything like one"

    async def listed(*arguments: str) -> list[dict[str, Any]]:
        done = await asyncio.to_thread(run, "dead-letters", "list", "--json", *arguments, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert (await asyncio.to_thread(run, "dead-letters", "list", **environment)).stdout == "No message waits.\n"
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        ann = await a_customer(http)
        # A payment for an order that is not there yet, as far as whoever hears of it can tell.
        order = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()
        for number, key in enumerate((order["id"], long_key)):
            await send(kafka_bootstrap_servers, payments, b"{", [("ce_id", b"%d" % number)], key=key.encode())
        paid = {"payment_id": "pay-1", "order_id": str(uuid4()), "amount": "13.50", "currency": "EUR"}
        paid["captured_at"] = "2026-01-01T00:00:00Z"
        await tell(kafka_bootstrap_servers, payments, "payment.captured", paid)

        async def three_died() -> bool:
            return len(await listed()) == 3

        await until(three_died, patience=60)
    letters = await listed()
    assert {letter["from"].partition("/")[0] for letter in letters} == {payments}
    assert "order-not-found" in {letter["cause"] for letter in letters}
    one = letters[0]["letter"]
    table = (await asyncio.to_thread(run, "dead-letters", "list", "--limit", "1", **environment)).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["letter", letters[-1]["letter"]]
    assert {letter["key"] for letter in letters} > {order["id"], long_key}
    all_of_it = (await asyncio.to_thread(run, "dead-letters", "list", **environment)).stdout
    assert order["id"] in all_of_it
    assert long_key[:40] in all_of_it
    assert long_key[:41] not in all_of_it

    put_back = await asyncio.to_thread(run, "dead-letters", "redrive", one, "--json", **environment)
    assert (put_back.returncode, json.loads(put_back.stdout)) == (0, {"letter": one, "to": payments})
    again = await asyncio.to_thread(run, "dead-letters", "redrive", one, "7@7", **environment)
    assert (again.returncode, again.stdout) == (1, "0 put back.\n")
    assert again.stderr.count("\n") == 2

    async def it_died_again() -> bool:
        return len(await listed("--all")) == 4

    await until(it_died_again, patience=60)
    other = letters[1]["letter"]
    dismissed = await asyncio.to_thread(run, "dead-letters", "dismiss", one, other, **environment)
    assert (dismissed.returncode, dismissed.stdout) == (1, "1 dismissed.\n")
    assert dismissed.stderr == f"order-service: {one}: The dead letter was put back or dismissed before.\n"
    all_of_them = await asyncio.to_thread(run, "dead-letters", "redrive", **environment)
    assert (all_of_them.returncode, all_of_them.stdout, all_of_them.stderr) == (0, "2 put back.\n", "")
    settled = {each["letter"]: each["settled"] for each in await listed("--all")}
    assert (settled[one], settled[other]) == ("REDRIVEN", "DISMISSED")


async def test_how_far_everybody_is_behind_is_told_with_kafka_and_without_it(
    fleet: Fleet, environment: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=fleet.address, timeout=10) as http:
        ann = await a_customer(http)
        order = (await http.post("/api/v1/orders", json=AN_ORDER, headers=ann)).json()
        await until(lambda: reads(http, f"/api/v1/orders/{order['id']}", ann, processing_status="PROCESSED"))

    async def nobody_is_behind() -> bool:
        done = await asyncio.to_thread(run, "relay", "status", "--json", **environment)
        told = json.loads(done.stdout)
        assert set(told["consumer"]) == {
            environment[f"KAFKA_{name}TOPIC"] for name in ("", "PAYMENTS_", "SHIPMENTS_")
        }
        return not told["relay"]["events"] and not any(told["consumer"].values())

    await until(nobody_is_behind)
    refused = await asyncio.to_thread(run, "relay", "rebase", **environment)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr
        == "order-service: A relay is active. Stop all relays first, and start them again afterwards.\n"
    )
    away = environment | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = await asyncio.to_thread(run, "relay", "status", **away)
    assert (done.returncode, done.stdout) == (1, "relay     0 events wait for Kafka\n")
    assert "Kafka" in done.stderr
    shown = await asyncio.to_thread(run, "orders", "show", order["number"], **environment)
    assert f"Order {order['number']}: PENDING" in shown.stdout


async def test_a_dead_job_is_seen_and_done_after_all(environment: dict[str, str], tmp_path: Any) -> None:
    with RedisServer(tmp_path) as redis:
        broker, order_id = make_broker(redis.url), uuid4()
        await asyncio.to_thread(fail, broker, to_process([str(order_id)]), OrderNotFound())
        environment |= {"REDIS_URL": redis.url}
        state = json.loads((await asyncio.to_thread(run, "queue", "status", "--json", **environment)).stdout)
        [job] = state["newest_dead"]
        assert (state["dead"], state["waiting"], job["order_ids"]) == (1, 0, [str(order_id)])
        seen = (await asyncio.to_thread(run, "queue", "status", **environment)).stdout
        assert "1 are dead" in seen
        assert job["id"] in seen
        retried = await asyncio.to_thread(run, "queue", "retry", job["id"], **environment)
        assert (retried.returncode, job["id"] in retried.stdout) == (0, True)
        assert (await asyncio.to_thread(run, "queue", "retry", job["id"], **environment)).returncode == 1
        broker.client.close()
    gone = await asyncio.to_thread(run, "queue", "status", **environment)
    assert (gone.returncode, gone.stdout) == (1, "")
