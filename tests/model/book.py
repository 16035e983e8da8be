"""What domain.md and api.md say of an order, worked out a second time: plain dicts, whole numbers, nothing shared.

Whoever changes an order gives it to one of the verbs below, which changes the dict, or raises `Refused` and leaves it
as it was. Lines are known by their place. Times are `NOW`, and names that the service gives None, until its answer
says what they are.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Order = dict[str, Any]
Parts = Sequence[tuple[int, int]]
"""(place of the line, how many of it)."""

NOW = "now"
DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}
MOST_OF_A_LINE = 10_000
NEXT = {
    "PENDING": ["PAID", "CANCELED"],
    "PAID": ["SHIPPED", "CANCELED"],
    "SHIPPED": ["DELIVERED"],
    "DELIVERED": [],
    "CANCELED": [],
}
LIFE = ["PENDING", "PAID", "SHIPPED", "DELIVERED"]
GONE = {"PAID", "SHIPPED", "DELIVERED"}


class Refused(Exception):
    """`kind` is the last part of the problem's `type`."""

    def __init__(self, status: int, kind: str) -> None:
        super().__init__(f"{status} {kind}")
        self.status = status
        self.kind = kind


def amount(minor: int, currency: str) -> str:
    return format(Decimal(minor).scaleb(-DECIMALS[currency]), "f")


# What follows from the facts


def wanted(order: Order) -> list[int]:
    return [line["quantity"] - line["canceled"] for line in order["lines"]]


def shipped(order: Order) -> list[int]:
    return _counted(order, order["shipments"])


def returned(order: Order, *states: str) -> list[int]:
    return _counted(order, [one for one in order["returns"] if one["state"] in states])


def to_ship(order: Order) -> list[int]:
    return [want - gone for want, gone in zip(wanted(order), shipped(order), strict=True)]


def total(order: Order) -> int:
    return _worth(order, [line["quantity"] for line in order["lines"]])


def price(order: Order) -> int:
    return _worth(order, wanted(order))


def cost(order: Order) -> int:
    return 0 if order["cancellation"] else price(order) - _worth(order, returned(order, "RECEIVED"))


def captured(order: Order) -> int:
    return sum(payment["minor"] for payment in order["payments"])


def refunded(order: Order) -> int:
    return sum(refund["minor"] for refund in order["refunds"])


def still_open(order: Order) -> int:
    missing = 0 if order["paid_at"] else refunded(order)  # what went back before it was paid is to be paid again
    return max(0, cost(order) - captured(order) + missing)


def owed(order: Order) -> int:
    return max(0, captured(order) - refunded(order) - cost(order))


def fulfillment(order: Order) -> str:
    if not order["shipments"]:
        return "UNFULFILLED"
    if any(to_ship(order)):
        return "PARTIAL"
    return "DELIVERED" if all(shipment["delivered_at"] for shipment in order["shipments"]) else "SHIPPED"


def status(order: Order) -> str:
    if order["cancellation"]:
        return "CANCELED"
    if fulfillment(order) in {"SHIPPED", "DELIVERED"}:
        return fulfillment(order)
    return "PENDING" if still_open(order) else "PAID"


def payment_status(order: Order) -> str:
    if refunded(order):
        return "REFUNDED" if refunded(order) == captured(order) else "PARTIALLY_REFUNDED"
    if captured(order) >= price(order):
        return "PAID"
    return "PARTIALLY_PAID" if captured(order) else "UNPAID"


def return_status(order: Order) -> str:
    back = returned(order, "RECEIVED")
    if any(back):
        return "RETURNED" if back == wanted(order) else "PARTIAL"
    return "REQUESTED" if any(returned(order, "REQUESTED")) else "NONE"


def version(order: Order) -> int:
    return len(order["events"])


def allowed(order: Order) -> list[str]:
    return [to for to in NEXT[status(order)] if not (to == "CANCELED" and order["shipments"])]


def document(order: Order) -> dict[str, Any]:
    """As the API has to show it."""

    def shown(minor: int) -> str:
        return amount(minor, order["currency"])

    def parts(of: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"line_id": order["lines"][i]["line_id"], "quantity": n} for i, n in of["parts"].items()]

    gone, back = shipped(order), returned(order, "RECEIVED")
    return {
        **{name: order[name] for name in ("id", "number", "customer_id", "currency", "processing_status")},
        "status": status(order),
        "payment_status": payment_status(order),
        "fulfillment_status": fulfillment(order),
        "return_status": return_status(order),
        "lines": [
            {
                **{name: line[name] for name in ("line_id", "sku", "name", "quantity", "canceled")},
                "unit_price": shown(line["minor"]),
                "total": shown(line["minor"] * line["quantity"]),
                "shipped": gone[i],
                "returned": back[i],
            }
            for i, line in enumerate(order["lines"])
        ],
        "total": shown(total(order)),
        "captured": shown(captured(order)),
        "refunded": shown(refunded(order)),
        "refund_due": shown(owed(order)),
        "payments": [_without_minor(one, shown(one["minor"])) for one in order["payments"]],
        "refunds": [_without_minor(one, shown(one["minor"])) for one in order["refunds"]],
        "shipments": [_without_parts(one, parts(one)) for one in order["shipments"]],
        "returns": [_without_parts(one, parts(one)) for one in order["returns"]],
        "version": version(order),
        **{name: order[name] for name in ("external_ref", "metadata", "cancellation")},
        **{name: order[name] for name in ("pay_by", "paid_at", "placed_at", "updated_at")},
        "redacted_at": None,
    }


# What may be done. `by` is {"party": "own" | "staff" | "system", "kind": ..., "id": ...}


def placed(
    by: dict[str, Any], customer_id: str, currency: str, lines: list[dict[str, Any]], ref: str | None, notes: Any
) -> Order:
    order: Order = {
        **dict.fromkeys(("id", "number", "pay_by", "paid_at")),
        "customer_id": customer_id,
        "currency": currency,
        "lines": lines,
        "external_ref": ref,
        "metadata": notes or {},
        "processing_status": "QUEUED",
        **{name: [] for name in ("payments", "refunds", "shipments", "returns", "events")},
        "cancellation": None,
        "placed_at": NOW,
        "updated_at": NOW,
    }
    _happened(order, by, "order.placed", total=amount(total(order), currency), currency=currency)
    _what_follows(order, by, "PENDING", 0)
    return order


def process(order: Order, by: dict[str, Any]) -> None:
    if order["processing_status"] != "QUEUED":
        return
    too_much = any(line["quantity"] > MOST_OF_A_LINE for line in order["lines"])
    if not too_much or order["shipments"] or order["cancellation"]:
        order["processing_status"] = "PROCESSED"
        _happened(order, by, "order.processed")
        return
    order["processing_status"] = "REJECTED"
    _happened(order, by, "order.rejected")
    most = max(line["quantity"] for line in order["lines"])
    _end(order, by, "REJECTED", f"The quantity {most} is over the limit of {MOST_OF_A_LINE}.")


def ask_to_process(order: Order, by: dict[str, Any]) -> None:
    _staff_only(by)
    if order["processing_status"] != "QUEUED":
        raise Refused(409, "already-processed")


def pay(order: Order, by: dict[str, Any], payment_id: str | None, minor: int, method: str) -> None:
    _staff_only(by)
    if any(payment["payment_id"] == payment_id for payment in order["payments"] if payment_id):
        raise Refused(409, "payment-known")
    _only_when(order, {"PENDING"})
    if minor == 0:
        raise Refused(422, "invalid-request")
    if minor > still_open(order):
        raise Refused(422, "overpayment")
    before, owed_before = status(order), owed(order)
    order["payments"].append({"payment_id": payment_id, "minor": minor, "method": method, "recorded_at": NOW})
    _happened(order, by, "order.payment_recorded", amount=amount(minor, order["currency"]), method=method)
    _what_follows(order, by, before, owed_before)


def refund(order: Order, by: dict[str, Any], refund_id: str, minor: int, reason: str) -> None:
    _staff_only(by)
    if any(known["refund_id"] == refund_id for known in order["refunds"]):
        raise Refused(409, "refund-known")
    if minor == 0:
        raise Refused(422, "invalid-request")
    if minor > captured(order) - refunded(order):
        raise Refused(422, "refund-exceeds-captured")
    order["refunds"].append({"refund_id": refund_id, "minor": minor, "reason": reason, "recorded_at": NOW})
    _happened(order, by, "order.refunded", amount=amount(minor, order["currency"]), reason=reason)


def ship(order: Order, by: dict[str, Any], parts: Parts | None, carrier: str | None, tracking: str | None) -> None:
    _staff_only(by)
    _only_when(order, {"PAID"})
    taken = _taken(parts, to_ship(order), "over-shipment")
    before, owed_before = status(order), owed(order)
    order["shipments"].append(
        {
            "shipment_id": None,
            "parts": taken,
            "carrier": carrier,
            "tracking": tracking,
            "dispatched_at": NOW,
            "delivered_at": None,
        }
    )
    _happened(order, by, "order.shipment_dispatched")
    _what_follows(order, by, before, owed_before)


def deliver(order: Order, by: dict[str, Any], nth: int) -> None:
    _staff_only(by)
    _only_when(order, GONE)
    if nth >= len(order["shipments"]):
        raise Refused(404, "shipment-not-found")
    if order["shipments"][nth]["delivered_at"]:
        return
    before, owed_before = status(order), owed(order)
    order["shipments"][nth]["delivered_at"] = NOW
    _happened(order, by, "order.shipment_delivered")
    _what_follows(order, by, before, owed_before)


def cancel(order: Order, by: dict[str, Any], reason: str, note: str, *, window_open: bool) -> None:
    _only_when(order, {"PENDING", "PAID", "CANCELED"})
    if order["cancellation"]:
        return
    if order["shipments"]:
        raise Refused(409, "illegal-transition")
    if by["party"] == "own" and status(order) == "PAID" and not window_open:
        raise Refused(403, "cancel-window-closed")
    if by["party"] == "own" and reason not in {"CUSTOMER_REQUEST", "OTHER"}:
        raise Refused(422, "invalid-request")
    _end(order, by, reason, note)


def cancel_parts(order: Order, by: dict[str, Any], parts: Parts, reason: str) -> None:
    _staff_only(by)
    _only_when(order, {"PENDING", "PAID"})
    taken = _taken(parts, to_ship(order), "over-cancellation")
    if sum(wanted(order)) == sum(taken.values()):
        raise Refused(422, "invalid-request")
    before, owed_before = status(order), owed(order)
    for i, quantity in taken.items():
        order["lines"][i]["canceled"] += quantity
        _happened(order, by, "order.line_canceled", quantity=quantity, reason=reason)
    _what_follows(order, by, before, owed_before)


def edit(order: Order, by: dict[str, Any], lines: list[dict[str, Any]], said_total: int | None) -> None:
    """A line with a `line_id` replaces the one that has it; what was canceled of that stays canceled."""
    _only_when(order, {"PENDING"})
    if order["payments"]:
        raise Refused(409, "already-paid")
    kept = [line["line_id"] for line in lines if line["line_id"]]
    if len(set(kept)) < len(kept) or not set(kept) <= {line["line_id"] for line in order["lines"]}:
        raise Refused(422, "invalid-request")
    before, owed_before, former = status(order), owed(order), order["lines"]
    canceled = {line["line_id"]: line["canceled"] for line in former}
    order["lines"] = [{**line, "canceled": canceled.get(line["line_id"], 0)} for line in lines]
    if min(wanted(order)) < 0 or not any(wanted(order)):
        raise Refused(422, "invalid-request")
    if said_total is not None and said_total != total(order):
        raise Refused(422, "total-mismatch")
    if order["lines"] == former:
        return
    order["processing_status"] = "QUEUED"
    _happened(order, by, "order.edited", total=amount(total(order), order["currency"]))
    _what_follows(order, by, before, owed_before)


def ask_return(order: Order, by: dict[str, Any], parts: Parts | None, reason: str) -> None:
    _only_when(order, GONE)
    spoken_for = returned(order, "REQUESTED", "RECEIVED")
    left = [gone - back for gone, back in zip(shipped(order), spoken_for, strict=True)]
    if not any(left):
        raise Refused(409, "nothing-to-return")
    order["returns"].append(
        {
            "return_id": None,
            "parts": _taken(parts, left, "over-return"),
            "state": "REQUESTED",
            "reason": reason,
            "note": "",
            "requested_at": NOW,
            "resolved_at": None,
        }
    )
    _happened(order, by, "order.return_requested")


def resolve_return(order: Order, by: dict[str, Any], nth: int, state: str, note: str) -> None:
    _staff_only(by)
    _only_when(order, GONE)
    if nth >= len(order["returns"]):
        raise Refused(404, "return-not-found")
    one = order["returns"][nth]
    if one["state"] == state:
        return
    if one["state"] != "REQUESTED":
        raise Refused(409, "return-resolved")
    before, owed_before = status(order), owed(order)
    one.update(state=state, note=note, resolved_at=NOW)
    _happened(order, by, "order.return_received" if state == "RECEIVED" else "order.return_refused")
    _what_follows(order, by, before, owed_before)


def amend(order: Order, by: dict[str, Any], body: dict[str, Any], taken_refs: set[str]) -> None:
    """`body` as it is sent; `taken_refs` are those of the customer's other orders."""
    if by["party"] == "own":
        _only_when(order, {*LIFE})
    ref = body.get("external_ref", order["external_ref"])
    notes = {**order["metadata"], **body.get("metadata", {})}
    notes = {key: value for key, value in notes.items() if value is not None}
    fields = [name for name, new in (("external_ref", ref), ("metadata", notes)) if order[name] != new]
    if ref != order["external_ref"] and ref in taken_refs:
        raise Refused(409, "external-ref-taken")
    if fields:
        order.update(external_ref=ref, metadata=notes)
        _happened(order, by, "order.amended", fields=fields)


def move(order: Order, by: dict[str, Any], to: str, *, window_open: bool) -> None:
    """The short way."""
    if to != "CANCELED":
        _staff_only(by)
    if to == status(order):
        return
    if to not in allowed(order):
        raise Refused(409, "illegal-transition")
    if to == "PAID":
        pay(order, by, None, still_open(order), "OTHER")
    elif to == "SHIPPED":
        ship(order, by, None, None, None)
    elif to == "DELIVERED":
        for nth in range(len(order["shipments"])):
            deliver(order, by, nth)
    else:
        reason = "CUSTOMER_REQUEST" if by["party"] == "own" else "OTHER"
        cancel(order, by, reason, "", window_open=window_open)


def _end(order: Order, by: dict[str, Any], reason: str, note: str) -> None:
    before, owed_before = status(order), owed(order)
    order["cancellation"] = {"reason": reason, "note": note, "canceled_at": NOW}
    _happened(order, by, "order.canceled", reason=reason)
    _what_follows(order, by, before, owed_before)


def _what_follows(order: Order, by: dict[str, Any], before: str, owed_before: int) -> None:
    after = status(order)
    if after in LIFE:
        for reached in LIFE[LIFE.index(before) + 1 : LIFE.index(after) + 1]:
            if reached == "PAID":
                order["paid_at"] = NOW
            _happened(order, by, f"order.{reached.lower()}")
    if owed(order) > owed_before:
        _happened(order, by, "order.refund_due", amount=amount(owed(order), order["currency"]))


def _happened(order: Order, by: dict[str, Any], kind: str, **change: object) -> None:
    order["updated_at"] = NOW
    actor = {"kind": by["kind"], "id": by["id"]}
    order["events"].append({"type": kind, "occurred_at": NOW, "actor": actor, "change": change})


def _staff_only(by: dict[str, Any]) -> None:
    if by["party"] == "own":
        raise Refused(403, "not-allowed")


def _only_when(order: Order, statuses: set[str]) -> None:
    if status(order) not in statuses:
        raise Refused(409, "illegal-transition")


def _taken(parts: Parts | None, left: list[int], over: str) -> dict[int, int]:
    if parts is None:
        return {i: quantity for i, quantity in enumerate(left) if quantity}
    taken: Counter[int] = Counter()
    for i, quantity in parts:
        if i >= len(left):
            raise Refused(422, "invalid-request")
        if taken[i] + quantity > left[i]:
            raise Refused(422, over)
        taken[i] += quantity
    return dict(taken)


def _counted(order: Order, parcels: Sequence[dict[str, Any]]) -> list[int]:
    return [sum(parcel["parts"].get(i, 0) for parcel in parcels) for i in range(len(order["lines"]))]


def _worth(order: Order, quantities: list[int]) -> int:
    return sum(line["minor"] * n for line, n in zip(order["lines"], quantities, strict=True))


def _without_minor(money: dict[str, Any], shown: str) -> dict[str, Any]:
    return {**{name: value for name, value in money.items() if name != "minor"}, "amount": shown}


def _without_parts(parcel: dict[str, Any], shown: list[dict[str, Any]]) -> dict[str, Any]:
    return {**{name: value for name, value in parcel.items() if name != "parts"}, "lines": shown}
