"""The examples in the API's description: one order's life, made by the domain itself, so that they stay true."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from adapters.http.problems import PROBLEMS, members_of, problem_document
from order_service.domain import errors
from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.domain.lifecycle import CancelReason
from order_service.domain.lines import LineQuantity, LineRequest
from order_service.domain.money import Money
from order_service.domain.order import Order
from order_service.domain.rules import ShopRules
from order_service.told import ToldOrder
from order_service.views import ActorView, EventView, view_of

Json = Any

_CUSTOMER_ID = UUID("0197c2d0-5a3e-7c41-9d0b-2f6a51c7e812")
_ORDER_ID = UUID("0197c2d4-8f10-7b63-a5c4-0e9d3b7f2a11")
_MUG = UUID("0197c2d4-8f11-7e02-b8a6-6c5f1d2e3a4b")
_BOWL = UUID("0197c2d9-1c20-7d94-8e3f-7a1b2c3d4e5f")
_SHIPMENT_ID = "0197c7f1-3d52-7a08-9b6c-4e5d6f7a8b9c"
_RETURN_ID = "0197d2b0-6e74-7c1d-8a2f-1b3c5d7e9f01"
_MORNING = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
_CURSOR = "5m1mJwq0S1vXc2o3b0lSZXsicGxhY2VkX2F0IjoiMjAyNi0wMy0xNFQwOToyNjo1My41ODk3OTNaIn0"
_SESSION_ID = "0197c2d1-0b5e-7d20-8c4f-6a9e2b1d3c57"
_REFRESH_TOKEN = "AZfC0QtefSCMT2qeKx08VwcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUm"  # noqa: S105 - an example
_REQUEST_ID = "3f0c9a5be1d24c7f8a6b5d4e3c2b1a09"

_ann = Actor.account(_CUSTOMER_ID, Role.CUSTOMER)
_operator = Actor.account(UUID("0197b0aa-2b4c-7d6e-8f01-93a5b7c9d1e3"), Role.OPERATOR)


def _json(value: object) -> Json:
    return msgspec.json.decode(msgspec.json.encode(value))


def _after(**time: float) -> datetime:
    return _MORNING + timedelta(**time)


def _placed() -> Order:
    return Order.place(
        id=_ORDER_ID,
        number="K7Q2-9XWD-3F4W",
        customer_id=_CUSTOMER_ID,
        currency="EUR",
        lines=[LineRequest(line_id=_MUG, sku="MUG-1", name="Mug", quantity=3, unit_price="4.50")],
        by=_ann,
        at=_MORNING,
        pay_by=_MORNING + ShopRules().time_to_pay,
        external_ref="web-8841",
        metadata={"channel": "web"},
    )


def _paid(order: Order) -> Order:
    order.process([], by=SYSTEM, at=_after(seconds=1))
    payment = {"payment_id": "pay_8841", "method": "CARD"}
    order.record_payment(**payment, amount=order.open_amount, by=_operator, at=_after(minutes=2))
    return order


def _shipped(order: Order) -> Order:
    order.ship(
        shipment_id=_SHIPMENT_ID, carrier="DHL", tracking="JD014600003SE", by=_operator, at=_after(days=1, hours=5)
    )
    return order


def _delivered(order: Order) -> Order:
    order.deliver(_SHIPMENT_ID, by=_operator, at=_after(days=2))
    return order


def _coming_back(order: Order) -> Order:
    lines = [LineQuantity(_MUG, 1)]
    order.request_return(return_id=_RETURN_ID, lines=lines, reason="a crack", by=_ann, at=_after(days=3))
    return order


def _returned(order: Order) -> Order:
    order.receive_return(_RETURN_ID, note="thrown away", by=_operator, at=_after(days=5))
    return order


def _refused(order: Order) -> Order:
    order.refuse_return(_RETURN_ID, note="no crack to be seen", by=_operator, at=_after(days=5))
    return order


def _refunded(order: Order) -> Order:
    one_mug = Money.parse("4.50", "EUR", field="amount")
    order.record_refund(refund_id="ref_8841", amount=one_mug, reason="returned", by=_operator, at=_after(days=5))
    return order


def _canceled(order: Order) -> Order:
    order.cancel(
        reason=CancelReason.CUSTOMER_REQUEST,
        note="ordered twice",
        window=ShopRules().cancel_window,
        by=_ann,
        at=_after(minutes=9),
    )
    return order


def _edited(order: Order) -> Order:
    mug = LineRequest(line_id=_BOWL, keeps=_MUG, sku="MUG-1", name="Mug", quantity=2, unit_price="4.50")
    bowl = LineRequest(line_id=_BOWL, sku="BOWL-3", name="Bowl", quantity=1, unit_price="12.90")
    order.edit_lines([mug, bowl], by=_ann, at=_after(minutes=1))
    return order


def _history(order: Order) -> Iterable[EventView]:
    for number, recorded in enumerate(order.take_events(), start=1):
        yield EventView(
            id=UUID(int=_ORDER_ID.int + number),
            seq=recorded.seq,
            type=recorded.event.type,
            occurred_at=recorded.at,
            actor=ActorView(kind=recorded.by.kind, id=recorded.by.id),
            change=asdict(recorded.event),
        )


_order = _json(view_of(_placed()))
_paid_order = _json(view_of(_paid(_placed())))
_shipped_order = _json(view_of(_shipped(_paid(_placed()))))
_delivered_order = _json(view_of(_delivered(_shipped(_paid(_placed())))))
_edited_order = _json(view_of(_edited(_placed())))
_edits = [_json(event) for event in _history(_edited(_placed()))]
_events = [_json(event) for event in _history(_paid(_placed()))]
_logged = {
    "id": _events[0]["id"],
    "type": "order.placed",
    "order_id": _order["id"],
    "seq": 1,
    "occurred_at": _events[0]["occurred_at"],
    "data": {
        "order": _json(msgspec.convert(_order, ToldOrder, strict=False)),
        "change": _events[0]["change"],
        "seq": 1,
        "actor": _events[0]["actor"],
    },
}
_account = {
    "id": str(_CUSTOMER_ID),
    "email": "ann@example.com",
    "role": "customer",
    "created_at": "2026-03-14T09:20:11.020407Z",
    "version": 1,
}
_account_events = [
    {
        "id": "0197c2d0-5a3f-7a10-8b2c-4d5e6f708192",
        "seq": 1,
        "type": "account.registered",
        "occurred_at": _account["created_at"],
        "actor": {"kind": "customer", "id": str(_CUSTOMER_ID)},
        "change": {"role": "customer"},
    },
    {
        "id": "0197c2e8-1b7d-7c35-9e0f-5a6b7c8d9e0f",
        "seq": 2,
        "type": "account.role_changed",
        "occurred_at": "2026-03-14T09:46:02.771914Z",
        "actor": {"kind": "admin", "id": "0197b0aa-2b4c-7d6e-8f01-93a5b7c9d1e4"},
        "change": {"from": "customer", "to": "operator"},
    },
]
_line = {"sku": "MUG-1", "name": "Mug", "quantity": 3, "unit_price": "4.50"}
_one_mug = [{"line_id": str(_MUG), "quantity": 1}]
_streamed = {
    "id": "1",
    "event": "order.placed",
    "data": msgspec.json.encode(_events[0]).decode(),
}

REQUESTS: Mapping[str, Mapping[str, Json]] = {
    "register_account": {"a customer": {"email": "ann@example.com", "password": "correct horse battery"}},
    "log_in": {
        "with a password": {
            "grant_type": "password",
            "username": "ann@example.com",
            "password": "correct horse battery",
        },
        "with a refresh token, for a part": {
            "grant_type": "refresh_token",
            "refresh_token": _REFRESH_TOKEN,
            "scope": "orders:read",
        },
        "as a service": {
            "grant_type": "client_credentials",
            "client_id": "0197c2d0-77aa-7f10-9b3e-5d2c4b6a8f10",
            "client_secret": "pX0v3mJ9dWq8m1cYbR7sT2uV4wX6yZ8aB0cD2eF4gH8",
        },
    },
    "log_out": {"with a refresh token": {"token": _REFRESH_TOKEN}},
    "change_my_password": {
        "a new one": {"current_password": "correct horse battery", "new_password": "purple tin roof"}
    },
    "change_my_account": {
        "another address": {"email": "ann@example.org", "current_password": "correct horse battery"}
    },
    "set_role": {"an operator": {"role": "operator"}},
    "erase_my_account": {"for good": {"current_password": "correct horse battery"}},
    "place_order": {
        "three mugs": {
            "currency": "EUR",
            "lines": [_line],
            "total_price": "13.50",
            "external_ref": "web-8841",
            "metadata": {"channel": "web"},
        },
        "no more than needed": {
            "currency": "JPY",
            "lines": [{"name": "Tea", "quantity": 1, "unit_price": 1200}],
        },
        "by staff, for a customer": {"currency": "EUR", "lines": [_line], "customer_id": str(_CUSTOMER_ID)},
    },
    "change_order": {
        "the short way to CANCELED": {"status": "CANCELED"},
        "other notes, and one key away": {
            "external_ref": "web-8842",
            "metadata": {"channel": "phone", "campaign": None},
        },
    },
    "edit_order_lines": {
        "fewer mugs, and a bowl": {
            "lines": [
                {"line_id": str(_MUG), "sku": "MUG-1", "name": "Mug", "quantity": 2, "unit_price": "4.50"},
                {"sku": "BOWL-3", "name": "Bowl", "quantity": 1, "unit_price": "12.90"},
            ],
            "total_price": "21.90",
        }
    },
    "record_payment": {"all of it": {"payment_id": "pay_8841", "amount": "13.50", "method": "CARD"}},
    "record_refund": {"one mug": {"refund_id": "ref_8841", "amount": "4.50", "reason": "returned"}},
    "ship_order": {
        "all of it": {"carrier": "DHL", "tracking": "JD014600003SE"},
        "a part of it": {"lines": _one_mug, "carrier": "DHL"},
    },
    "cancel_order": {
        "all of it": {"reason": "CUSTOMER_REQUEST", "note": "ordered twice"},
        "a line of it": {"reason": "OUT_OF_STOCK", "lines": _one_mug},
    },
    "request_return": {"one mug": {"lines": _one_mug, "reason": "a crack"}, "all of it": {}},
    "run_batch": {
        "all or none": {
            "mode": "atomic",
            "items": [
                {"op": "place", "currency": "EUR", "lines": [_line]},
                {"op": "change_status", "order_id": str(_ORDER_ID), "version": 3, "status": "SHIPPED"},
            ],
        },
        "each for itself": {
            "mode": "independent",
            "items": [
                {"op": "amend", "order_id": str(_ORDER_ID), "metadata": {"channel": "phone"}},
                {"op": "cancel", "order_id": str(_ORDER_ID), "reason": "CUSTOMER_REQUEST"},
            ],
        },
    },
    "receive_return": {"with a note": {"note": "thrown away"}},
    "refuse_return": {"with a note": {"note": "no crack to be seen"}},
}
"""operationId -> what somebody might send, each with a name."""

ANSWERS: dict[str, Json] = {
    "register_account": _account,
    "log_in": {
        "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTk3YzJkMCJ9.4pcPyMD09olPSyXnrXCjTw",
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": _REFRESH_TOKEN,
        "scope": "orders:read orders:write accounts:read accounts:write",
    },
    "list_token_keys": {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "alg": "EdDSA",
                "use": "sig",
            }
        ]
    },
    "get_my_account": _account,
    "change_my_account": {**_account, "email": "ann@example.org", "version": 2},
    "list_my_account_events": {"items": _account_events[:1], "next_cursor": None},
    "list_accounts": {"items": [_account], "next_cursor": _CURSOR},
    "get_account": _account,
    "set_role": {**_account, "role": "operator", "version": 2},
    "list_account_events": {"items": _account_events, "next_cursor": None},
    "list_my_sessions": {
        "items": [
            {
                "id": _SESSION_ID,
                "began_at": "2026-03-14T09:21:40.118203Z",
                "refreshed_at": "2026-03-14T10:20:02.771914Z",
                "expires_at": "2026-04-13T09:21:40.118203Z",
                "current": True,
            }
        ]
    },
    "export_my_account": {
        "made_at": "2026-03-16T08:00:00Z",
        "account": _account,
        "account_history": _account_events[:1],
        "sessions": [
            {
                "id": _SESSION_ID,
                "began_at": "2026-03-14T09:21:40.118203Z",
                "refreshed_at": "2026-03-14T10:20:02.771914Z",
                "expires_at": "2026-04-13T09:21:40.118203Z",
                "ended_at": None,
            }
        ],
        "orders": [
            {
                "order": _edited_order,
                "history": [_edits[0] | {"before": None}, _edits[1] | {"before": _order}],
            }
        ],
    },
    "place_order": _order,
    "list_orders": {"items": [_shipped_order], "next_cursor": _CURSOR},
    "get_order": _delivered_order,
    "change_order": _json(view_of(_canceled(_placed()))),
    "edit_order_lines": _edited_order,
    "record_payment": _paid_order,
    "record_refund": _json(view_of(_refunded(_returned(_coming_back(_delivered(_shipped(_paid(_placed())))))))),
    "ship_order": _shipped_order,
    "deliver_shipment": _delivered_order,
    "cancel_order": _json(view_of(_canceled(_paid(_placed())))),
    "request_return": _json(view_of(_coming_back(_delivered(_shipped(_paid(_placed())))))),
    "receive_return": _json(view_of(_returned(_coming_back(_delivered(_shipped(_paid(_placed()))))))),
    "refuse_return": _json(view_of(_refused(_coming_back(_delivered(_shipped(_paid(_placed()))))))),
    "list_order_events": {"items": _events, "next_cursor": None},
    "stream_order_events": _streamed,
    "read_event_log": {"items": [_logged], "next_cursor": _CURSOR, "is_last": False},
    "is_alive": {"status": "ok"},
    "is_ready": {"status": "ok", "checks": {"postgresql": "ok"}},
}
"""operationId -> what is answered when all goes well."""

REFUSALS: list[errors.OrderServiceError] = [
    errors.InvalidField("lines[0].quantity", "must be at least 1."),
    errors.CurrencyUnknown("ABC", "is no currency of ISO 4217."),
    errors.TotalMismatch(sent="13.00", computed="13.50"),
    errors.CustomerUnknown(_CUSTOMER_ID),
    errors.Overpayment(amount="20.00", open="13.50"),
    errors.OverShipment(_MUG, 4, 3),
    errors.OverCancellation(_MUG, 4, 3),
    errors.OverReturn(_MUG, 4, 3),
    errors.RefundExceedsCaptured(amount="20.00", left="13.50"),
    errors.IdempotencyKeyReused(),
    errors.BadCursor(),
    errors.CursorExpired(),
    errors.NotAuthenticated("The token is not one of this service, or has expired."),
    errors.InvalidCredentials(),
    errors.InvalidClient(),
    errors.InvalidScope("orders:read orders:write accounts:read accounts:write"),
    errors.NotAllowed("A customer may not ship an order."),
    errors.InsufficientScope("orders:write"),
    errors.CancelWindowClosed(),
    errors.OrderNotFound(),
    errors.ShipmentNotFound(_SHIPMENT_ID),
    errors.ReturnNotFound(_RETURN_ID),
    errors.AccountNotFound(),
    errors.ServiceNotFound(),
    errors.SessionNotFound(),
    errors.IllegalTransition(from_="SHIPPED", to="CANCELED", allowed=["DELIVERED"]),
    errors.AlreadyProcessed("PROCESSED"),
    errors.AlreadyPaid("13.50"),
    errors.NothingToReturn("SHIPPED"),
    errors.LimitReached("returns", 100),
    errors.ReturnResolved("REFUSED"),
    errors.PaymentKnown("pay_8841"),
    errors.RefundKnown("ref_8841"),
    errors.EmailTaken(),
    errors.OwnRole(),
    errors.AccountChangedMeanwhile(),
    errors.ServiceNameTaken(),
    errors.OrdersOpen(2),
    errors.LastAdmin(),
    errors.ExternalRefTaken(),
    errors.OrderNumberTaken(),
    errors.OrderChangedMeanwhile(),
    errors.IdempotencyKeyTaken(),
    errors.MessageKnown(),
    errors.VersionMismatch(4),
    errors.RateLimited(17),
    errors.DependencyUnavailable("PostgreSQL"),
    errors.BatchAborted(1),
]
_OF_THE_EDGE = {
    "malformed-request": "The body is not valid JSON: Input data was truncated.",
    "unsupported-grant-type": "The grant_type must be password, refresh_token or client_credentials.",
    "not-found": "There is nothing at this address.",
    "method-not-allowed": "Method Not Allowed",
    "origin-not-allowed": "Web pages of this origin may not call the API from a browser.",
    "conflict": "The state does not allow it.",
    "payload-too-large": "Request Entity Too Large",
    "unsupported-media-type": "The content type must be application/json.",
    "too-busy": "Too many requests at this moment. Try again soon, with the same Idempotency-Key.",
    "internal-error": "Something went wrong on our side.",
}


def _refusal(code: str, instance: str) -> Json:
    error = next((error for error in REFUSALS if error.code == code), None)
    detail, members = (_OF_THE_EDGE[code], {}) if error is None else (str(error), members_of(error))
    return _json(problem_document(code, detail, members, instance=instance, request_id=_REQUEST_ID))


def refusals(codes: Iterable[str], path: str) -> Mapping[str, Json]:
    """Code -> a problem document as it might come from `path`, in which the parameters get values."""
    values = {
        "account_id": _CUSTOMER_ID,
        "order_id": _ORDER_ID,
        "shipment_id": _SHIPMENT_ID,
        "return_id": _RETURN_ID,
        "session_id": _SESSION_ID,
    }
    return {code: _refusal(code, path.format_map(values)) for code in codes}


UNTOLD = PROBLEMS.keys() - {error.code for error in REFUSALS} - _OF_THE_EDGE.keys()
"""Kinds of problem without an example: there should be none."""

ANSWERS["run_batch"] = {
    "results": [
        {"status": 201, "order": _order},
        {"status": 403, "problem": _refusal("not-allowed", "/api/v1/orders/batch")},
    ]
}
