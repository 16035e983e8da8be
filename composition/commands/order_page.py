"""`order-service orders show`: an order as somebody reads it who is asked about it on the phone."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from dishka import AsyncContainer

from composition.commands.command import Commands, add_json, carry_out, printable, tell, tell_columns
from composition.settings import Settings
from order_service.domain.actor import SYSTEM
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.list_order_events import ListOrderEvents, ListOrderEventsQuery
from order_service.views import EventView

_PAGE = 1_000
_AXES = {
    "screening": "processing_status",
    "payment": "payment_status",
    "fulfillment": "fulfillment_status",
    "returns": "return_status",
}
_MONEY = ("total", "captured", "refunded", "refund_due")
_TABLES: Mapping[str, Mapping[str, str]] = {
    "lines": {
        "quantity": "quantity",
        "name": "name",
        "sku": "sku",
        "unit price": "unit_price",
        "total": "total",
        "shipped": "shipped",
        "canceled": "canceled",
        "returned": "returned",
    },
    "payments": {"recorded": "recorded_at", "amount": "amount", "method": "method", "id": "payment_id"},
    "refunds": {"recorded": "recorded_at", "amount": "amount", "reason": "reason", "id": "refund_id"},
    "shipments": {
        "dispatched": "dispatched_at",
        "delivered": "delivered_at",
        "carrier": "carrier",
        "tracking": "tracking",
        "of": "lines",
        "id": "shipment_id",
    },
    "returns": {
        "requested": "requested_at",
        "resolved": "resolved_at",
        "state": "state",
        "reason": "reason",
        "note": "note",
        "of": "lines",
        "id": "return_id",
    },
}
"""Part of an order -> its columns: head -> member."""


def add_commands(commands: Commands) -> None:
    orders = commands.group("orders", "look at an order")
    show = orders.add(
        "show",
        show_order,
        "show all there is to know of an order",
        about="""Prints its facts, lines, money, payments, refunds, shipments and returns, and its history: what
        was done, when and by whom. Accounts are told by their ids. With --json: {"order": as GET
        /api/v1/orders/ID gives it, "history": [...]}.""",
    )
    show.add_argument("order", metavar="ORDER", help="its number, such as K7Q2-9XWD-3F4M, or its id")
    add_json(show)


def show_order(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        order_id = await (await container.get(FindOrder))(given.order)
        order = await (await container.get(GetOrder))(order_id, by=SYSTEM)
        list_events = await container.get(ListOrderEvents)
        history: list[EventView] = []
        while page := await list_events(
            ListOrderEventsQuery(
                by=SYSTEM, order_id=order_id, after_seq=history[-1].seq if history else 0, limit=_PAGE
            )
        ):
            history += page
        if given.json:
            tell({"order": msgspec.Raw(order.body), "history": history})
        else:
            _show(msgspec.json.decode(order.body), history)

    return carry_out(act, settings)


def _show(order: Mapping[str, Any], history: Sequence[EventView]) -> None:
    print(f"Order {order['number']}: {_statuses(order)}")
    facts = {
        "id": order["id"],
        "customer": order["customer_id"],
        "reference": order["external_ref"],
        "placed": _time(order["placed_at"]),
        "changed": f"{_time(order['updated_at'])}, version {order['version']}",
        "to pay by": _time(order["pay_by"]) if order["paid_at"] is None else None,
        "paid": _time(order["paid_at"]),
        "canceled": _canceled(order["cancellation"]),
        "redacted": _time(order["redacted_at"]),
        **{f"metadata {name}": value for name, value in order["metadata"].items()},
        "money": ", ".join(f"{name.replace('_', ' ')} {order[name]} {order['currency']}" for name in _MONEY),
    }
    width = max(len(name) for name, value in facts.items() if value is not None)
    for name, value in facts.items():
        if value is not None:
            print(printable(f"  {name:{width}}  {value}"))
    names = {line["line_id"]: line["name"] for line in order["lines"]}
    for part, columns in _TABLES.items():
        if order[part]:
            print(f"\n{part.capitalize()}")
            tell_columns(
                [columns, *([_cell(one[name], name, names) for name in columns.values()] for one in order[part])]
            )
    print("\nHistory")
    told = ([_time(each.occurred_at.isoformat()), _who(each), each.type, _with(each, names)] for each in history)
    tell_columns([["when", "who", "what", "with"], *told])


def _cell(value: Any, name: str, names: Mapping[str, str]) -> Any:
    if name == "lines":
        return ", ".join(f"{of['quantity']} x {names.get(of['line_id'], of['line_id'])}" for of in value)
    return _time(value) if name.endswith("_at") else value


def _statuses(order: Mapping[str, Any]) -> str:
    axes = ", ".join(f"{label} {order[axis]}" for label, axis in _AXES.items())
    return f"{order['status']} ({axes})"


def _canceled(cancellation: Mapping[str, Any] | None) -> str | None:
    if cancellation is None:
        return None
    note = f": {cancellation['note']}" if cancellation["note"] else ""
    return f"{_time(cancellation['canceled_at'])}, {cancellation['reason']}{note}"


def _time(told: str | None) -> str | None:
    """To the second, in UTC as everywhere."""
    return None if told is None else f"{told[:10]} {told[11:19]}Z"


def _who(event: EventView) -> str:
    return event.actor.kind.value if event.actor.id is None else f"{event.actor.kind.value} {event.actor.id}"


def _with(event: EventView, names: Mapping[str, str]) -> str:
    told = (_told(name, value, names) for name, value in event.change.items() if value not in (None, "", [], {}))
    return ", ".join(told)


def _told(name: str, value: object, names: Mapping[str, str]) -> str:
    """Lines by their names, where the order has them still."""
    if name == "quantities" and isinstance(value, Mapping):
        return ", ".join(f"{quantity} x {names.get(line, line)}" for line, quantity in value.items())
    if name == "line_id":
        return f"line {names.get(str(value), value)}"
    return f"{name} {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
