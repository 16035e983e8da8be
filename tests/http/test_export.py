"""An account takes along all that is kept of it."""

import asyncio
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from adapters.persistence.order_views import SqlOrderViews
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import OrderFilter, OrderPage
from tests.http.shop import ME, Document, Person, document, order_path, problem
from tests.personal import personal

EXPORT = f"{ME}/export"


async def export(person: Person) -> Document:
    answer = await person.get(EXPORT)
    assert answer.status_code == 200, answer.text
    return document(answer)


async def test_the_export_is_a_file_that_nobody_keeps_on_the_way(ann: Person) -> None:
    answer = await ann.get(EXPORT)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == f'attachment; filename="account-{ann.id}.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert "ratelimit" in answer.headers
    exported = document(answer)
    assert datetime.fromisoformat(exported["made_at"]).tzinfo is not None
    assert exported["account"] == document(await ann.get(ME))
    assert (exported["sessions"], exported["orders"]) == ([], [])


async def test_everything_that_a_customer_put_in_is_in_it_exactly_once(
    ann: Person, bob: Person, operator: Person
) -> None:
    await bob.place(external_ref=personal("of somebody else"))
    said = {name: personal(name) for name in ("ref", "newer ref", "value", "newer value", "note", "line", "newer")}
    order = await ann.place(external_ref=said["ref"], metadata={"k": said["value"]}, lines=[_line(said["line"])])
    amendment = {"external_ref": said["newer ref"], "metadata": {"k": said["newer value"]}}
    assert (await ann.patch(order_path(order), json=amendment)).status_code == 200
    assert (await ann.put(order_path(order, "lines"), json={"lines": [_line(said["newer"])]})).status_code == 200
    canceling = {"reason": "CUSTOMER_REQUEST", "note": said["note"]}
    assert (await ann.post(order_path(order, "cancellation"), json=canceling)).status_code == 200
    exported = await export(ann)
    [kept] = exported["orders"]
    assert kept["order"] == await ann.read(order)
    placed, amended, edited, canceled = kept["history"]
    assert (placed["before"], amended["before"], canceled["before"]) == (None, order, None)
    assert [event["seq"] for event in kept["history"]] == [1, 2, 3, 4]
    as_text = msgspec.json.encode(exported).decode()
    missing = [name for name, text in said.items() if text not in as_text]
    assert missing == []
    assert "of somebody else" not in as_text
    assert edited["before"]["external_ref"] == said["newer ref"]
    history = document(await operator.get(order_path(order, "events")))["items"]
    assert history == [{name: event[name] for name in event if name != "before"} for event in kept["history"]]


async def test_while_orders_are_placed_each_that_was_there_before_comes_once(ann: Person) -> None:
    before = {(await ann.place())["id"] for _ in range(60)}

    async def keep_placing() -> set[str]:
        return {(await ann.place())["id"] for _ in range(30)}

    exported, meanwhile = await asyncio.gather(export(ann), keep_placing())
    found = [kept["order"]["id"] for kept in exported["orders"]]
    assert len(found) == len(set(found))
    assert before <= set(found) <= before | meanwhile


async def test_only_the_holder_of_an_account_gets_it(anybody: httpx.AsyncClient) -> None:
    problem(await anybody.get(EXPORT), 401, "not-authenticated")


@pytest.mark.parametrize(("lines", "status"), [(1, 503), (20, 200)])
async def test_an_export_that_breaks_off_does_not_pass_for_a_whole_one(
    ann: Person, monkeypatch: pytest.MonkeyPatch, lines: int, status: int
) -> None:
    """PostgreSQL goes away after the first page: before anything was sent, or after."""
    for _ in range(51):
        await ann.place(lines=[_line("Mug")] * lines)
    list_orders = SqlOrderViews.list

    async def only_the_first_page(views: SqlOrderViews, wanted: OrderFilter, **asked: Any) -> OrderPage:
        if asked["start"] is not None:
            raise DependencyUnavailable("PostgreSQL")
        return await list_orders(views, wanted, **asked)

    monkeypatch.setattr(SqlOrderViews, "list", only_the_first_page)
    answer = await ann.get(EXPORT)
    assert answer.status_code == status
    if status == 503:
        problem(answer, 503, "dependency-unavailable")
    else:
        assert len(answer.content) > 64 * 1024
        with pytest.raises(msgspec.DecodeError):
            document(answer)


def _line(name: str) -> dict[str, Any]:
    return {"name": name, "quantity": 1, "unit_price": "4.50"}
