"""Who may do what to whose: every route of the API's description, asked by everybody, about Ann's things.

A route without a row fails, and so does a row that stands for no route.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from order_service.domain.actor import SCOPES_OF, Actor, ActorKind, Role, Scope
from order_service.ports import Clock, PasswordHasher, Tokens, Transactions
from order_service.use_cases.create_service import CreateService
from tests.http.served import Served
from tests.http.shop import ME, TOKEN, Document, Person, document, order_body, order_path

METHODS = {"get", "put", "post", "delete", "patch"}
PASSWORD = "six grey boats at noon"
ABSENT = "0197c2d4-8f10-7b63-a5c4-0e9d3b7f2a11"

# What each is answered. `owner` is Ann, whose order, shipment, return or session it is, `stranger` another customer.
# `service` is another system with every scope that one can have, `confined` an admin's token for events:read alone.
# The second column is how far the order's life has come when it is asked about; "-" means that no order is.
MATRIX = """
operation               order      nobody  owner  stranger  operator  admin  service  confined
is_alive                -          200     200    200       200       200    200      200
is_ready                -          200     200    200       200       200    200      200
register_account        -          201     201    201       201       201    201      201
log_in                  -          200     200    200       200       200    200      200
log_out                 -          200     200    200       200       200    200      200
get_my_account          -          401     200    200       200       200    403      403
change_my_account       -          401     200    200       200       200    403      403
change_my_password      -          401     204    204       204       204    403      403
list_my_account_events  -          401     200    200       200       200    403      403
list_accounts           -          401     403    403       403       200    403      403
get_account             -          401     200    403       403       200    403      403
set_role                -          401     403    403       403       200    403      403
list_account_events     -          401     200    403       403       200    403      403
list_token_keys         -          200     200    200       200       200    200      200
export_my_account       -          401     200    200       200       200    403      403
erase_my_account        -          401     422    422       422       422    403      403
list_my_sessions        -          401     200    200       200       200    403      403
end_my_session          -          401     204    404       404       404    403      403
place_order             -          401     201    201       403       403    403      403
place_for_ann           -          401     201    403       201       201    201      403
list_orders             -          401     200    200       200       200    200      403
run_batch               -          401     201    201       403       403    403      403
read_event_log          -          401     403    403       403       200    200      200
get_order               PLACED     401     200    404       200       200    200      403
change_order            PLACED     401     200    404       200       200    200      403
pay_the_short_way       PLACED     401     403    404       200       200    200      403
edit_order_lines        PLACED     401     200    404       200       200    200      403
record_payment          PLACED     401     403    404       201       201    201      403
record_refund           PAID       401     403    404       201       201    201      403
ship_order              PAID       401     403    404       201       201    201      403
deliver_shipment        SHIPPED    401     403    404       200       200    200      403
cancel_order            PLACED     401     200    404       200       200    200      403
cancel_lines            PLACED     401     403    404       200       200    200      403
screen_order_again      PLACED     401     403    404       202       202    202      403
request_return          SHIPPED    401     201    404       201       201    201      403
receive_return          RETURNING  401     403    404       200       200    200      403
refuse_return           RETURNING  401     403    404       200       200    200      403
list_order_events       PLACED     401     200    404       200       200    200      403
stream_order_events     PLACED     401     200    404       200       200    200      403
"""
HEAD, *ROWS = [line.split() for line in MATRIX.strip().splitlines()]
ASKERS = HEAD[2:]

SAME_ROUTE = {
    "place_for_ann": "place_order",
    "pay_the_short_way": "change_order",
    "cancel_lines": "cancel_order",
}
"""Rows that ask a route for something else than its own row does."""

LIVES = {
    "PLACED": (),
    "PAID": ("PAID",),
    "SHIPPED": ("PAID", "SHIPPED"),
    "RETURNING": ("PAID", "SHIPPED", "DELIVERED"),
}


class World:
    """The people of the matrix, and what they ask."""

    def __init__(self, people: Mapping[str, Person], nobody: httpx.AsyncClient, operations: Mapping[str, Document]):
        self.people = people
        self.operations = operations
        self._nobody = nobody

    async def order(self, life: str) -> Document:
        ann, operator = self.people["owner"], self.people["operator"]
        order = await operator.move(await ann.place(), *LIVES[life])
        if life == "RETURNING":
            order = document(await ann.post(order_path(order, "returns"), json={}))
        await ann.read(order)  # so that it lies in the cache, whoever asks next
        return order

    async def path(self, operation: str, order: Document | None) -> str:
        values = {} if order is None else {"order_id": order["id"]}
        if order is not None and order["shipments"]:
            values["shipment_id"] = order["shipments"][0]["shipment_id"]
        if order is not None and order["returns"]:
            values["return_id"] = order["returns"][0]["return_id"]
        values["account_id"] = str(self.people["owner"].id)
        if operation == "end_my_session":
            values["session_id"] = await self._session_of_ann()
        path: str = self.operations[SAME_ROUTE.get(operation, operation)]["path"]
        return path.format_map(values)

    def said(self, asker: str, operation: str, order: Document | None) -> Mapping[str, Any]:
        """As arguments of the client."""
        ann = self.people["owner"]
        line = None if order is None else order["lines"][0]["line_id"]
        forms = {
            "log_in": {"grant_type": "password", "username": ann.email, "password": PASSWORD},
            "log_out": {"token": "whatever"},
        }
        bodies: Mapping[str, Document] = {
            "register_account": {"email": f"{uuid4().hex}@example.com", "password": PASSWORD},
            "change_my_account": {"email": self.people.get(asker, ann).email, "current_password": PASSWORD},
            "set_role": {"role": "customer"},
            "erase_my_account": {"current_password": "not this one"},  # the others still need Ann
            "change_my_password": {"current_password": PASSWORD, "new_password": PASSWORD},
            "place_order": order_body(),
            "place_for_ann": order_body(customer_id=str(ann.id)),
            "run_batch": {"mode": "independent", "items": [{"op": "place", **order_body()}]},
            "change_order": {"metadata": {"channel": "web"}},
            "pay_the_short_way": {"status": "PAID"},
            "edit_order_lines": {"lines": [{"name": "Bowl", "quantity": 1, "unit_price": "12.90"}]},
            "record_payment": {"payment_id": uuid4().hex, "amount": "13.50", "method": "CARD"},
            "record_refund": {"refund_id": uuid4().hex, "amount": "1.00", "reason": "scratched"},
            "ship_order": {"carrier": "DHL"},
            "cancel_order": {"reason": "CUSTOMER_REQUEST"},
            "cancel_lines": {"reason": "OUT_OF_STOCK", "lines": [{"line_id": line, "quantity": 1}]},
            "request_return": {},
        }
        if operation in forms:
            return {"data": forms[operation]}
        return {"json": bodies[operation]} if operation in bodies else {}

    async def ask(self, asker: str, operation: str, path: str, order: Document | None) -> tuple[int, bytes]:
        """Status and body; of a batch, the status of its only item; of a stream that begins, no body."""
        method = self.operations[SAME_ROUTE.get(operation, operation)]["method"]
        client = self._nobody if asker == "nobody" else self.people[asker].client
        async with client.stream(method, path, **self.said(asker, operation, order)) as answer:
            is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
            body = b"" if is_stream else await answer.aread()
            if operation == "run_batch" and answer.is_success:
                return document(answer)["results"][0]["status"], body
            return answer.status_code, body

    async def _session_of_ann(self) -> str:
        ann = self.people["owner"]
        await self._nobody.post(TOKEN, data={"grant_type": "password", "username": ann.email, "password": PASSWORD})
        newest: str = document(await ann.get(f"{ME}/sessions"))["items"][0]["id"]
        return newest


def id_of(actor: Actor) -> UUID:
    assert actor.id is not None
    return actor.id


@pytest.fixture(scope="module")
async def world(served: Served) -> AsyncIterator[World]:
    shop = served.shop
    hashed = await (await shop.container.get(PasswordHasher)).hash(PASSWORD)
    transactions = await shop.container.get(Transactions)
    roles = {
        "owner": Role.CUSTOMER,
        "stranger": Role.CUSTOMER,
        "operator": Role.OPERATOR,
        "admin": Role.ADMIN,  # the last, whose token is confined below
    }
    issue, now = (await shop.container.get(Tokens)).issue, (await shop.container.get(Clock)).now()
    async with AsyncExitStack() as stack:

        async def person(actor: Actor, email: str = "nobody@example.com") -> Person:
            token = issue(actor, at=now)
            client = httpx.AsyncClient(base_url=served.url, headers={"Authorization": f"Bearer {token}"})
            return Person(id=id_of(actor), email=email, token=token, client=await stack.enter_async_context(client))

        people = {}
        for name, role in roles.items():
            known = await shop.person(role)
            async with transactions.begin() as tx:
                account = await tx.accounts.get(known.id)
                account.password_hash = hashed
                tx.accounts.save(account)
                await tx.commit()
            people[name] = await person(account.actor, known.email)
        made = await (await shop.container.get(CreateService))(f"matrix-{uuid4().hex}", SCOPES_OF[ActorKind.SERVICE])
        people["service"] = await person(made.service.actor)
        people["confined"] = await person(account.actor.confined_to(Scope.EVENTS_READ))
        nobody = await stack.enter_async_context(httpx.AsyncClient(base_url=served.url))
        described = document(await nobody.get("/openapi.json"))
        operations = {
            operation["operationId"]: {"path": path, "method": method.upper()}
            for path, item in described["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        }
        yield World(people, nobody, operations)


def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    assert {SAME_ROUTE.get(row[0], row[0]) for row in ROWS} == world.operations.keys()


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
async def test_everybody_is_answered_as_the_matrix_says(row: list[str], asker: str, world: World) -> None:
    operation, life = row[:2]
    order = None if life == "-" else await world.order(life)

    status, _ = await world.ask(asker, operation, await world.path(operation, order), order)

    assert status == int(row[2 + ASKERS.index(asker)])


@pytest.mark.parametrize("row", [row for row in ROWS if row[1] != "-"], ids=lambda row: row[0])
async def test_somebody_elses_order_is_answered_like_one_that_is_not_there(row: list[str], world: World) -> None:
    operation, life = row[:2]
    order = await world.order(life)
    path = await world.path(operation, order)

    async def refusal(name: str) -> Document:
        status, body = await world.ask("stranger", operation, path.replace(order["id"], name), order)
        assert status == 404
        found = document(httpx.Response(404, content=body))
        assert found.pop("request_id")
        assert name in found.pop("instance")
        return found

    assert await refusal(order["id"]) == await refusal(ABSENT)
