"""Many at once, over HTTP against several API processes."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fleet.people import Headers, a_customer, an_operator
from tests.fleet.roles import Fleet
from tests.services.server import free_port

COPIES = 1_000
CLIENTS, AT_ONCE = 1_000, 100
ROUNDS, RACERS = 10, 50
"""The campaign of promises.md has 200 rounds; `--rounds 200` plays them."""

AN_ORDER = {"currency": "EUR", "lines": [{"name": "Mug", "quantity": 10, "unit_price": "1.00"}]}


@pytest.fixture
async def api(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    with Fleet(tmp_path, environment, port=free_port(), api_workers=2) as roles:
        roles.start("api")
        await asyncio.to_thread(roles.until_ready)
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=roles.address, timeout=60, limits=limits) as http:
            yield http


async def test_a_thousand_copies_of_one_request_are_one_order_and_one_answer(api: httpx.AsyncClient) -> None:
    headers = {**await a_customer(api), "Idempotency-Key": "one"}
    copies = [api.post("/api/v1/orders", json=AN_ORDER, headers=headers) for _ in range(COPIES)]
    answers = await asyncio.gather(*copies)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    listed = (await api.get("/api/v1/orders", headers=headers)).json()
    assert [order["id"] for order in listed["items"]] == [answers[0].json()["id"]]


async def test_of_a_thousand_changes_of_one_version_one_applies(
    api: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    path, customer = await _placed(api)
    first = (await api.get(path, headers=customer)).headers["etag"]
    answers = await asyncio.gather(*[_note(api, path, customer, first, number) for number in range(CLIENTS)])
    _tell(capsys, "If-Match of one version", answers)
    order = (await api.get(path, headers=customer)).json()
    [winner] = [answer for answer in answers if answer.status_code == 200]
    assert order == winner.json()
    _check_tags(order, answers)
    assert {answer.json()["current_version"] for answer in answers if answer is not winner} == {order["version"]}


async def test_who_reads_and_then_changes_what_was_read_never_undoes_anothers_change(
    api: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """So many at once that they get in each other's way, and so few that not all of them have read the same."""
    path, customer = await _placed(api)
    place = asyncio.Semaphore(AT_ONCE)

    async def read_and_change(number: int) -> httpx.Response:
        async with place:
            read = await api.get(path, headers=customer)
            return await _note(api, path, customer, read.headers["etag"], number)

    answers = await asyncio.gather(*[read_and_change(number) for number in range(CLIENTS)])
    _tell(capsys, "read, then If-Match", answers)
    order = (await api.get(path, headers=customer)).json()
    _check_tags(order, answers)
    applied = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(applied) > 1
    assert sorted(change["version"] for change in applied) == list(range(2, order["version"] + 1))
    assert order == max(applied, key=lambda change: int(change["version"]))


async def _placed(api: httpx.AsyncClient) -> tuple[str, Headers]:
    """Nobody else works on it: without a worker it stays QUEUED."""
    customer = await a_customer(api)
    placed = await api.post("/api/v1/orders", json=AN_ORDER, headers=customer)
    return f"/api/v1/orders/{placed.json()['id']}", customer


async def _note(api: httpx.AsyncClient, path: str, customer: Headers, tag: str, number: int) -> httpx.Response:
    """Each a note of its own, so that whatever applies is a new version."""
    note = {"metadata": {"last": str(number)}}
    return await api.patch(path, json=note, headers={**customer, "If-Match": tag})


def _check_tags(order: dict[str, Any], answers: list[httpx.Response]) -> None:
    counted = Counter(answer.status_code for answer in answers)
    assert counted.keys() <= {200, 412}, counted
    assert order["version"] - 1 == counted[200]
    refused = {answer.json()["type"] for answer in answers if answer.status_code == 412}
    assert refused == {"/problems/version-mismatch"}


def _tell(capsys: pytest.CaptureFixture[str], what: str, answers: list[httpx.Response]) -> None:
    counted = Counter(answer.status_code for answer in answers)
    told = ", ".join(f"{times} x {status}" for status, times in sorted(counted.items()))
    with capsys.disabled():
        print(f"\n{len(answers)} changes, {what}: {told}")


async def test_whoever_wins_the_race_to_pay_cancel_and_ship_the_books_are_right(
    api: httpx.AsyncClient, request: pytest.FixtureRequest
) -> None:
    customer, chance, winners = await a_customer(api), random.Random(8841), Counter[str]()
    for number in range(int(request.config.getoption("rounds") or ROUNDS)):
        placed = await api.post("/api/v1/orders", json=AN_ORDER, headers=customer)
        path = f"/api/v1/orders/{placed.json()['id']}"
        paid = number % 2 == 1  # and more who ship: else a cancellation wins nearly every race
        moves = ["pay", "cancel", *(["ship"] * (4 if paid else 1))]
        if paid:
            whole = {"payment_id": "whole", "amount": "10.00"}
            assert (await api.post(f"{path}/payments", json=whole, headers=an_operator())).status_code == 201
        racers = [_race(api, path, chance.choice(moves), chance) for _ in range(RACERS)]
        outcomes = await asyncio.gather(*racers)
        assert all(status < 500 for _, status in outcomes), outcomes
        order = (await api.get(path, headers=customer)).json()
        events = (await api.get(f"{path}/events", headers=customer)).json()["items"]
        _check(order, events, [*outcomes, ("pay", 201)] if paid else outcomes)
        winners[order["status"]] += 1
    assert winners.keys() >= {"CANCELED", "SHIPPED"}, winners


async def _race(api: httpx.AsyncClient, path: str, move: str, chance: random.Random) -> tuple[str, int]:
    staff: Headers = {**an_operator(), "Idempotency-Key": uuid4().hex}
    match move:
        case "pay":
            body: dict[str, Any] = {"payment_id": uuid4().hex, "amount": chance.choice(["1.00", "4.00", "10.00"])}
            answer = await api.post(f"{path}/payments", json=body, headers=staff)
        case "cancel":
            answer = await api.post(f"{path}/cancellation", json={"reason": "OTHER"}, headers=staff)
        case _:
            answer = await api.post(f"{path}/shipments", json={}, headers=staff)
    return move, answer.status_code


def _check(order: dict[str, Any], events: list[dict[str, Any]], outcomes: list[tuple[str, int]]) -> None:
    assert [event["seq"] for event in events] == list(range(1, order["version"] + 1))
    captured = sum((Decimal(payment["amount"]) for payment in order["payments"]), Decimal(0))
    assert Decimal(order["captured"]) == captured <= Decimal("10.00")
    assert len(order["payments"]) == outcomes.count(("pay", 201))
    assert len(order["shipments"]) == outcomes.count(("ship", 201)) <= 1
    canceled, shipped = order["status"] == "CANCELED", bool(order["shipments"])
    assert not (canceled and shipped)
    assert canceled == (("cancel", 200) in outcomes)
    assert Decimal(order["refund_due"]) == (captured if canceled else 0)
