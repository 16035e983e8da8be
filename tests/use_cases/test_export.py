"""Giving somebody all that is kept of them."""

import asyncio
from uuid import UUID

import pytest

from order_service.domain.actor import SYSTEM, Actor
from order_service.domain.editing import Amendment
from order_service.domain.errors import AccountNotFound, InvalidField
from order_service.use_cases.change_order import OrderChange
from order_service.use_cases.edit_lines import EditedLine
from order_service.use_cases.export_account import Export
from order_service.use_cases.log_in import LogInCommand
from order_service.views import OrderView
from tests.builders import a_customer
from tests.use_cases.shop import HOME, PASSWORD, Shop, read


async def read_through(export: Export) -> dict[UUID, tuple[OrderView, list[tuple[int, str, OrderView | None]]]]:
    """Order id -> the order, and of each event its seq, its type, and the order from before it."""
    found = {}
    async for exported in export.orders:
        order = read(exported.order)
        assert order.id not in found
        found[order.id] = (
            order,
            [
                (entry.event.seq, entry.event.type, None if entry.before is None else read(entry.before))
                async for entry in exported.history
            ],
        )
    return found


async def test_the_account_all_its_sessions_and_all_orders_of_its_own_are_given(
    shop: Shop, ann: Actor, bob: Actor
) -> None:
    await shop.place(bob)
    orders = {await shop.an_order_of(ann) for _ in range(120)}
    for _ in range(2):
        await shop.log_in(LogInCommand(email="ann@example.com", password=PASSWORD, origin=HOME))
    await shop.end_session((await shop.list_sessions(by=ann))[0].id, by=ann)
    export = await shop.export_account(ann)
    assert (export.made_at, export.account.email) == (shop.clock.now(), "ann@example.com")
    assert sorted(session.ended_at is None for session in export.sessions) == [False, True]
    found = await read_through(export)
    assert found.keys() == orders
    assert all(history == [(1, "order.placed", None)] for _, history in found.values())


async def test_what_was_written_over_is_given_with_the_event_that_did_it(shop: Shop, ann: Actor) -> None:
    placed = read((await shop.place(ann, external_ref="first")).order)
    change = OrderChange(order_id=placed.id, by=ann)
    await shop.amend_order(change, Amendment(external_ref="second"))
    amended = await shop.see(placed.id)
    await shop.edit_lines(change, lines=[EditedLine(name="Pot", quantity=1, unit_price="7.50")])
    await shop.process_order(placed.id)
    found = await read_through(await shop.export_account(ann))
    assert found == {
        placed.id: (
            await shop.see(placed.id),
            [
                (1, "order.placed", None),
                (2, "order.amended", placed),
                (3, "order.edited", amended),
                (4, "order.processed", None),
            ],
        )
    }


async def test_an_order_that_changes_meanwhile_comes_with_the_history_that_it_has_there(
    shop: Shop, ann: Actor
) -> None:
    order_id = await shop.an_order_of(ann)
    export = await shop.export_account(ann)
    exported = await anext(export.orders)
    await shop.pay(order_id)
    assert [entry.event.seq async for entry in exported.history] == [1]


async def test_whatever_is_placed_meanwhile_nothing_from_before_is_missing_and_nothing_comes_twice(
    shop: Shop, ann: Actor
) -> None:
    before = {await shop.an_order_of(ann) for _ in range(101)}

    async def place_more() -> set[UUID]:
        return {await shop.an_order_of(ann) for _ in range(100)}

    found, meanwhile = await asyncio.gather(read_through(await shop.export_account(ann)), place_more())
    assert before <= found.keys() <= before | meanwhile


async def test_whoever_runs_the_service_asks_by_address(shop: Shop, ann: Actor) -> None:
    assert (await shop.export_account.by_email(" Ann@example.com")).account.id == ann.id
    with pytest.raises(AccountNotFound):
        await shop.export_account.by_email("nobody@example.com")
    with pytest.raises(InvalidField):
        await shop.export_account.by_email("nobody")


async def test_of_nobody_nothing_is_kept(shop: Shop) -> None:
    for actor in (a_customer(), SYSTEM):
        with pytest.raises(AccountNotFound):
            await shop.export_account(actor)
