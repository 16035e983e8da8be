"""The examples in the API's description: what is asked, and what is answered when all goes well."""

from collections.abc import Mapping

import msgspec

from adapters.http.example_order import (
    CUSTOMER_ID,
    MUG,
    ORDER_ID,
    SESSION_ID,
    Json,
    as_json,
    canceled,
    coming_back,
    delivered,
    edited,
    history,
    paid,
    placed,
    refunded,
    refused,
    returned,
    shipped,
)
from adapters.http.example_refusals import refusal
from order_service.told import ToldOrder
from order_service.views import view_of

_CURSOR = "5m1mJwq0S1vXc2o3b0lSZXsicGxhY2VkX2F0IjoiMjAyNi0wMy0xNFQwOToyNjo1My41ODk3OTNaIn0"
_REFRESH_TOKEN = "AZfC0QtefSCMT2qeKx08VwcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUm"  # noqa: S105 - an example

_order = as_json(view_of(placed()))
_paid_order = as_json(view_of(paid(placed())))
_shipped_order = as_json(view_of(shipped(paid(placed()))))
_delivered_order = as_json(view_of(delivered(shipped(paid(placed())))))
_edited_order = as_json(view_of(edited(placed())))
_edits = [as_json(event) for event in history(edited(placed()))]
_events = [as_json(event) for event in history(paid(placed()))]
_logged = {
    "id": _events[0]["id"],
    "type": "order.placed",
    "order_id": _order["id"],
    "seq": 1,
    "occurred_at": _events[0]["occurred_at"],
    "data": {
        "order": as_json(msgspec.convert(_order, ToldOrder, strict=False)),
        "change": _events[0]["change"],
        "seq": 1,
        "actor": _events[0]["actor"],
    },
}
_account = {
    "id": str(CUSTOMER_ID),
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
        "actor": {"kind": "customer", "id": str(CUSTOMER_ID)},
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
_one_mug = [{"line_id": str(MUG), "quantity": 1}]
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
        "by staff, for a customer": {"currency": "EUR", "lines": [_line], "customer_id": str(CUSTOMER_ID)},
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
                {"line_id": str(MUG), "sku": "MUG-1", "name": "Mug", "quantity": 2, "unit_price": "4.50"},
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
                {"op": "change_status", "order_id": str(ORDER_ID), "version": 3, "status": "SHIPPED"},
            ],
        },
        "each for itself": {
            "mode": "independent",
            "items": [
                {"op": "amend", "order_id": str(ORDER_ID), "metadata": {"channel": "phone"}},
                {"op": "cancel", "order_id": str(ORDER_ID), "reason": "CUSTOMER_REQUEST"},
            ],
        },
    },
    "receive_return": {"with a note": {"note": "thrown away"}},
    "refuse_return": {"with a note": {"note": "no crack to be seen"}},
}
"""operationId -> what somebody might send, each with a name."""

ANSWERS: Mapping[str, Json] = {
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
                "id": SESSION_ID,
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
                "id": SESSION_ID,
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
    "change_order": as_json(view_of(canceled(placed()))),
    "edit_order_lines": _edited_order,
    "record_payment": _paid_order,
    "record_refund": as_json(view_of(refunded(returned(coming_back(delivered(shipped(paid(placed())))))))),
    "ship_order": _shipped_order,
    "deliver_shipment": _delivered_order,
    "cancel_order": as_json(view_of(canceled(paid(placed())))),
    "request_return": as_json(view_of(coming_back(delivered(shipped(paid(placed())))))),
    "receive_return": as_json(view_of(returned(coming_back(delivered(shipped(paid(placed()))))))),
    "refuse_return": as_json(view_of(refused(coming_back(delivered(shipped(paid(placed()))))))),
    "list_order_events": {"items": _events, "next_cursor": None},
    "stream_order_events": _streamed,
    "read_event_log": {"items": [_logged], "next_cursor": _CURSOR, "is_last": False},
    "run_batch": {
        "results": [
            {"status": 201, "order": _order},
            {"status": 403, "problem": refusal("not-allowed", "/api/v1/orders/batch")},
        ]
    },
    "is_alive": {"status": "ok"},
    "is_ready": {"status": "ok", "checks": {"postgresql": "ok"}},
}
"""operationId -> what is answered when all goes well."""
