"""What we add to Schemathesis: a customer who exists, and a check of our own."""

import json
import os
import re
from itertools import count
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import is_unexpected_http_status_case

CALLED_INVALID = {"/problems/malformed-request", "/problems/invalid-request"}

BEYOND_A_SCHEMA = re.compile(
    "|".join(
        [
            r"has more decimals than [A-Z]{3} has",  # depends on the currency, which stands elsewhere
            r"is over the largest amount",  # so does this, and on quantity times price
            r"must be more than 0",  # one schema for all amounts, and 0 is a price
            r"is not the password of this account",
            r"is one of the most common passwords",
            r"must not be the e-mail address",  # which stands elsewhere
            r"must have 8 to 1024 characters",  # counted when it is normalized
            r"must be readable text of at most 4096 bytes",
            r"is not a line of this order",
            r"would leave nothing of the order",
            r"of a customer must be",  # depends on who asks
            r"expected `int( \| null)?`, got `float`",  # to JSON Schema 1.0 is an integer
            r"belongs to the cancellation of a whole order",  # nor that one member forbids another
            r"must be sent alone",  # either a status or new notes: a Struct has no `oneOf`
            r"must have a status, or else",
            r"must have external_ref or metadata",
        ]
    )
)


ORDERS: list[str] = []
"""Those that were placed in this run."""

_turn = count()


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], __: dict[str, Any]) -> None:
    """Orders that fit the description are placed for Ann: a customer made up exists for nobody, and is 403 or 422."""
    if not _is_valid(case):
        return
    if case.operation.label == "POST /api/v1/orders" and isinstance(case.body, dict):
        case.body["customer_id"] = os.environ["SCHEMA_TEST_CUSTOMER_ID"]
    if ORDERS and case.path_parameters and case.path_parameters.get("order_id", ORDERS[0]) not in ORDERS:
        case.path_parameters["order_id"] = ORDERS[next(_turn) % len(ORDERS)]


@schemathesis.hook
def after_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], response: schemathesis.Response) -> None:
    """An order that is made up can only be absent: one that exists takes its place, from when there is one."""
    if case.operation.label == "POST /api/v1/orders" and response.status_code == 201:
        ORDERS.append(json.loads(response.content)["id"])


@schemathesis.check
def valid_data_is_not_called_invalid(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    if response.status_code not in {400, 422} or not _is_valid(case) or is_unexpected_http_status_case(case):
        return
    if any(case.headers.get(name) == "0" for name in ("If-Match", "If-None-Match")):
        return  # what Schemathesis 4.32 itself takes for a valid one, whatever the pattern says
    problem = json.loads(response.content)
    if problem["type"] in CALLED_INVALID and not BEYOND_A_SCHEMA.search(problem["detail"]):
        raise Failure(
            operation=case.operation.label,
            title="Data that fits the description is called invalid",
            message=problem["detail"],
        )


def _is_valid(case: schemathesis.Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive
