"""What can be done with an answer: from each response of the API's description to the operations that come next."""

from typing import Any

Node = dict[str, Any]

_AN_ORDER = {
    "currency": "EUR",
    "lines": [{"name": "Mug", "quantity": 3, "unit_price": "4.50"}],
    "total_price": "13.50",
}
_OF_AN_ORDER: Node = {
    "get_order": {},
    "change_order": {},
    "edit_order_lines": {"requestBody": {"lines": _AN_ORDER["lines"], "total_price": "13.50"}},
    "record_payment": {
        "requestBody": {"payment_id": "$response.body#/number", "amount": "$response.body#/total"},
    },
    "record_refund": {
        "requestBody": {"refund_id": "$response.body#/number", "amount": "$response.body#/refund_due"},
    },
    "ship_order": {},
    "deliver_shipment": {"parameters": {"shipment_id": "$response.body#/shipments/0/shipment_id"}},
    "cancel_order": {},
    "request_return": {},
    "receive_return": {"parameters": {"return_id": "$response.body#/returns/0/return_id"}},
    "refuse_return": {"parameters": {"return_id": "$response.body#/returns/0/return_id"}},
    "screen_order_again": {},
    "list_order_events": {},
    "stream_order_events": {},
}
"""What can be done with an order that was just answered."""

_WITHOUT_IF_MATCH = {"get_order", "screen_order_again", "list_order_events", "stream_order_events"}
_OF_A_LIST = ("get_order", "change_order", "cancel_order", "screen_order_again", "list_order_events")

LINKS: Node = {
    **{
        name: {
            "operationId": name,
            **link,
            "parameters": {
                "order_id": "$response.body#/id",
                **({} if name in _WITHOUT_IF_MATCH else {"header.If-Match": "$response.header.ETag"}),
                **link.get("parameters", {}),
            },
        }
        for name, link in _OF_AN_ORDER.items()
    },
    **{
        f"first_{name}": {"operationId": name, "parameters": {"order_id": "$response.body#/items/0/id"}}
        for name in _OF_A_LIST
    },
    "first_logged": {"operationId": "get_order", "parameters": {"order_id": "$response.body#/items/0/order_id"}},
    "next_page": {"operationId": "list_orders", "parameters": {"cursor": "$response.body#/next_cursor"}},
    "next_entries": {"operationId": "read_event_log", "parameters": {"after": "$response.body#/next_cursor"}},
    "list_orders": {"operationId": "list_orders", "parameters": {"customer_id": "$response.body#/id"}},
    "log_in": {
        "operationId": "log_in",
        "requestBody": {
            "grant_type": "password",
            "username": "$response.body#/email",
            "password": "$request.body#/password",
        },
    },
    "place_order": {
        "operationId": "place_order",
        "requestBody": {"customer_id": "$response.body#/id", **_AN_ORDER},
    },
}

_LINKS_BY_MODEL: dict[str, tuple[str, ...]] = {
    "AccountOut": ("place_order", "list_orders"),
    "OrderView": tuple(_OF_AN_ORDER),
    "OrderListOut": (*(f"first_{name}" for name in _OF_A_LIST), "next_page"),
    "EventLogOut": ("first_logged", "next_entries"),
}


def add_links(document: Node) -> None:
    document["components"]["links"] = LINKS
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if (operation["operationId"], status) == ("place_order", "200"):
                    continue  # a dry run: there is no such order
                names = list(_LINKS_BY_MODEL.get(_model(response), ()))
                if operation["operationId"] == "register_account" and names:
                    names.append("log_in")
                if names:
                    response["links"] = {name: {"$ref": f"#/components/links/{name}"} for name in names}


def _model(response: Node) -> str:
    content = response.get("content", {}).get("application/json", {})
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
