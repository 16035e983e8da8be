"""An order's life over HTTP: what is answered, to whom, and in which shape."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from order_service.domain.actor import Role
from tests.http.shop import ME, ORDERS, Document, Person, Shop, a_line, document, order_body, order_path, problem


def etag_of(order: Document) -> str:
    return f'"{order["version"]}"'


def is_private_json(answer: httpx.Response) -> bool:
    return (
        answer.headers["content-type"] == "application/json"
        and answer.headers["cache-control"] == "private, no-store"
        and answer.headers["x-content-type-options"] == "nosniff"
    )


async def test_a_placed_order_is_answered_whole(ann: Person) -> None:
    body = order_body(total_price="13.50", external_ref="web-8841", metadata={"channel": "web"})

    answer = await ann.post(ORDERS, json=body)

    assert answer.status_code == 201
    assert is_private_json(answer)
    placed = document(answer)
    assert answer.headers["location"] == order_path(placed)
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["ratelimit-policy"] == '"orders";q=1000000;w=60'
    assert answer.headers["ratelimit"].startswith('"orders";r=')
    assert "idempotent-replayed" not in answer.headers
    assert {name: value for name, value in placed.items() if name not in {"refunds", "returns"}} == {
        "id": placed["id"],
        "number": placed["number"],
        "customer_id": str(ann.id),
        "currency": "EUR",
        "status": "PENDING",
        "processing_status": "QUEUED",
        "payment_status": "UNPAID",
        "fulfillment_status": "UNFULFILLED",
        "return_status": "NONE",
        "lines": [
            {
                "line_id": placed["lines"][0]["line_id"],
                "sku": "MUG-1",
                "name": "Mug",
                "quantity": 3,
                "unit_price": "4.50",
                "total": "13.50",
                "shipped": 0,
                "canceled": 0,
                "returned": 0,
            }
        ],
        "total": "13.50",
        "captured": "0.00",
        "refunded": "0.00",
        "refund_due": "0.00",
        "payments": [],
        "shipments": [],
        "external_ref": "web-8841",
        "metadata": {"channel": "web"},
        "cancellation": None,
        "pay_by": placed["pay_by"],
        "paid_at": None,
        "version": 1,
        "placed_at": placed["placed_at"],
        "updated_at": placed["placed_at"],
        "redacted_at": None,
    }
    assert UUID(placed["id"]).version == 7
    assert all(placed[time].endswith("Z") for time in ("pay_by", "placed_at", "updated_at"))


async def test_an_order_is_the_same_bytes_wherever_it_is_read(ann: Person, operator: Person) -> None:
    answer = await ann.post(ORDERS, json=order_body(metadata={"b": "1", "a": "2", "ä": "3"}))

    own = await ann.get(answer.headers["location"])
    for_staff = await operator.get(answer.headers["location"])
    listed = await ann.get(ORDERS)

    assert own.content == for_staff.content == answer.content
    assert listed.content == b'{"items":[' + answer.content + b'],"next_cursor":null}'


async def test_a_dry_run_prices_the_order_and_stores_nothing(ann: Person, shop: Shop) -> None:
    before = await shop.rows()

    answer = await ann.post(
        f"{ORDERS}?dry_run=true", json=order_body(total_price="13.50"), headers={"Idempotency-Key": "dry"}
    )

    assert answer.status_code == 200
    assert document(answer)["total"] == "13.50"
    assert "location" not in answer.headers
    assert await shop.rows() == before
    problem(await ann.get(order_path(document(answer))), 404, "order-not-found")


async def test_an_order_that_costs_nothing_is_paid_at_once(ann: Person) -> None:
    placed = await ann.place(lines=[a_line(unit_price="0")])
    assert (placed["status"], placed["payment_status"], placed["version"]) == ("PAID", "PAID", 2)


async def test_staff_places_an_order_for_a_customer(ann: Person, operator: Person) -> None:
    placed = await operator.place(customer_id=str(ann.id))

    assert placed["customer_id"] == str(ann.id)
    assert await ann.read(placed) == placed
    history = document(await ann.get(order_path(placed, "events")))
    assert history["items"][0]["actor"] == {"kind": "operator", "id": str(operator.id)}


async def test_a_customer_may_say_that_the_order_is_their_own(ann: Person) -> None:
    assert (await ann.place(customer_id=str(ann.id)))["customer_id"] == str(ann.id)


async def test_an_order_is_paid_shipped_and_delivered_in_parts(ann: Person, operator: Person) -> None:
    placed = await ann.place()
    line_id = placed["lines"][0]["line_id"]

    async def does(status: int, *path: str, **body: object) -> Document:
        answer = await operator.post(order_path(placed, *path), json=body)
        assert answer.status_code == status, answer.text
        assert is_private_json(answer)
        assert answer.headers["etag"] == etag_of(document(answer))
        return document(answer)

    partly_paid = await does(201, "payments", payment_id="pay-1", amount="10")
    assert (partly_paid["status"], partly_paid["payment_status"]) == ("PENDING", "PARTIALLY_PAID")
    paid = await does(201, "payments", payment_id="pay-2", amount=3.5, method="CARD")
    assert (paid["status"], paid["captured"]) == ("PAID", "13.50")
    assert [(p["payment_id"], p["amount"], p["method"]) for p in paid["payments"]] == [
        ("pay-1", "10.00", "OTHER"),
        ("pay-2", "3.50", "CARD"),
    ]

    first = {"line_id": line_id, "quantity": 1}
    partly_sent = await does(201, "shipments", lines=[first], carrier="DHL", tracking="JD01")
    assert (partly_sent["status"], partly_sent["fulfillment_status"]) == ("PAID", "PARTIAL")
    assert partly_sent["shipments"] == [
        {
            "shipment_id": partly_sent["shipments"][0]["shipment_id"],
            "lines": [first],
            "carrier": "DHL",
            "tracking": "JD01",
            "dispatched_at": partly_sent["updated_at"],
            "delivered_at": None,
        }
    ]
    sent = await does(201, "shipments")
    assert (sent["status"], sent["lines"][0]["shipped"]) == ("SHIPPED", 3)

    one, two = (shipment["shipment_id"] for shipment in sent["shipments"])
    assert (await does(200, "shipments", one, "delivery"))["status"] == "SHIPPED"
    delivered = await does(200, "shipments", two, "delivery")
    assert (delivered["status"], delivered["fulfillment_status"]) == ("DELIVERED", "DELIVERED")
    assert await ann.read(placed) == delivered


async def test_the_history_tells_who_did_what(ann: Person, operator: Person, order: Document) -> None:
    delivered = await operator.move(order, "PAID", "SHIPPED", "DELIVERED")

    history = document(await ann.get(order_path(order, "events")))

    assert history["next_cursor"] is None
    told = history["items"]
    assert [event["seq"] for event in told] == list(range(1, delivered["version"] + 1))
    assert [event["type"] for event in told] == [
        "order.placed",
        "order.payment_recorded",
        "order.paid",
        "order.shipment_dispatched",
        "order.shipped",
        "order.shipment_delivered",
        "order.delivered",
    ]
    assert [event["actor"]["id"] for event in told] == [str(ann.id)] + [str(operator.id)] * 6
    assert told[0].keys() == {"id", "seq", "type", "occurred_at", "actor", "change"}
    assert told[0]["change"] == {"total": "13.50", "currency": "EUR"}
    assert len({event["id"] for event in told}) == len(told)


async def test_the_history_comes_page_by_page(ann: Person, operator: Person, order: Document) -> None:
    await operator.move(order, "PAID", "SHIPPED", "DELIVERED")
    path, seen = f"{order_path(order, 'events')}?limit=3", []
    while path:
        answer = await ann.get(path)
        page = document(answer)
        seen += [event["seq"] for event in page["items"]]
        assert len(page["items"]) <= 3
        assert (page["next_cursor"] is None) == ("next" not in answer.links)
        path = answer.links["next"]["url"] if page["next_cursor"] else ""
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert document(await ann.get(order_path(order, "events?after=7")))["items"] == []


async def test_a_customer_cancels_and_says_why(ann: Person, order: Document) -> None:
    body = {"reason": "CUSTOMER_REQUEST", "note": "Too late."}

    answer = await ann.post(order_path(order, "cancellation"), json=body)

    canceled = document(answer)
    assert (answer.status_code, canceled["status"]) == (200, "CANCELED")
    assert canceled["cancellation"] == {**body, "canceled_at": canceled["updated_at"]}


async def test_canceling_what_was_paid_owes_the_money_back(ann: Person, operator: Person, order: Document) -> None:
    await operator.move(order, "PAID")
    canceled = await ann.move(order, "CANCELED")
    assert (canceled["captured"], canceled["refund_due"]) == ("13.50", "13.50")


async def test_arriving_where_the_order_is_changes_nothing(ann: Person, order: Document, shop: Shop) -> None:
    canceled = await ann.move(order, "CANCELED")
    before = await shop.rows()

    assert await ann.move(order, "CANCELED") == canceled
    again = await ann.post(order_path(order, "cancellation"), json={"reason": "OTHER", "note": "Once more."})

    assert document(again) == canceled
    assert await shop.rows() == before


async def test_an_illegal_transition_says_what_is_allowed(operator: Person, order: Document) -> None:
    await operator.move(order, "PAID", "SHIPPED")
    answer = await operator.patch(order_path(order), json={"status": "CANCELED"})

    found = problem(answer, 409, "illegal-transition")
    assert (found["from"], found["to"], found["allowed"]) == ("SHIPPED", "CANCELED", ["DELIVERED"])
    assert found["title"] == "Illegal transition"
    assert found["detail"] == "A SHIPPED order cannot become CANCELED."


async def test_screening_again_is_accepted_until_it_is_done(operator: Person, order: Document, shop: Shop) -> None:
    answer = await operator.post(order_path(order, "processing"))
    assert answer.status_code == 202

    await shop.process(order)

    assert (await operator.read(order))["processing_status"] == "PROCESSED"
    found = problem(await operator.post(order_path(order, "processing")), 409, "already-processed")
    assert found["processing_status"] == "PROCESSED"


async def test_accepting_to_screen_again_says_nothing(operator: Person, order: Document) -> None:
    assert (await operator.post(order_path(order, "processing"))).content == b""


async def test_what_was_read_before_is_not_served_after_a_change(ann: Person, operator: Person) -> None:
    order = await ann.place()
    assert (await ann.read(order))["version"] == 1
    await operator.move(order, "PAID")
    assert (await ann.read(order))["status"] == "PAID"


async def test_everybody_reads_their_own_account(ann: Person, operator: Person, admin: Person) -> None:
    for person, role in ((ann, "customer"), (operator, "operator"), (admin, "admin")):
        answer = await person.get(ME)
        account = document(answer)
        assert (answer.status_code, is_private_json(answer)) == (200, True)
        assert account == {
            "id": str(person.id),
            "email": person.email,
            "role": role,
            "created_at": account["created_at"],
            "version": 1,
        }
        assert answer.headers["ratelimit-policy"].startswith('"accounts";')


# Who may do what


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of an order that has reached `after`, and what those get who may and may not use it."""

    method: str = "POST"
    rest: str = ""
    body: object = None
    after: tuple[str, ...] = ()
    own: int
    staff: int

    async def ask(self, person: Person, order: Document) -> httpx.Response:
        path = order_path(order) + self.rest
        if "{parcel}" in path:
            path = path.replace("{parcel}", order["shipments"][0]["shipment_id"])
        return (
            await person.ask(self.method, path, json=self.body) if self.body else await person.ask(self.method, path)
        )


ROUTES = {
    "read": Route(method="GET", own=200, staff=200),
    "history": Route(method="GET", rest="/events", own=200, staff=200),
    "move to PAID": Route(method="PATCH", body={"status": "PAID"}, own=403, staff=200),
    "move to SHIPPED": Route(method="PATCH", body={"status": "SHIPPED"}, after=("PAID",), own=403, staff=200),
    "move to CANCELED": Route(method="PATCH", body={"status": "CANCELED"}, own=200, staff=200),
    "pay": Route(rest="/payments", body={"payment_id": "pay-1", "amount": "1"}, own=403, staff=201),
    "ship": Route(rest="/shipments", body={"carrier": "DHL"}, after=("PAID",), own=403, staff=201),
    "deliver": Route(rest="/shipments/{parcel}/delivery", after=("PAID", "SHIPPED"), own=403, staff=200),
    "cancel": Route(rest="/cancellation", body={"reason": "OTHER"}, own=200, staff=200),
    "cancel when paid": Route(rest="/cancellation", body={"reason": "OTHER"}, after=("PAID",), own=200, staff=200),
    "screen again": Route(rest="/processing", own=403, staff=202),
}
every_route = pytest.mark.parametrize("route", [pytest.param(route, id=name) for name, route in ROUTES.items()])


@pytest.fixture
async def ready(route: Route, ann: Person, operator: Person) -> Document:
    """Ann's order, as far as the route needs it."""
    return await operator.move(await ann.place(), *route.after)


def is_as_expected(answer: httpx.Response, status: int) -> bool:
    if status == 403:
        return bool(problem(answer, 403, "not-allowed"))
    assert answer.status_code == status, answer.text
    return answer.headers["cache-control"] == "private, no-store"


@every_route
async def test_the_customer_may_do_what_the_table_says(
    route: Route, ready: Document, ann: Person, shop: Shop
) -> None:
    before = await shop.rows()
    assert is_as_expected(await route.ask(ann, ready), route.own)
    assert route.own != 403 or await shop.rows() == before


@every_route
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
async def test_staff_may_do_what_the_table_says(route: Route, role: Role, ready: Document, shop: Shop) -> None:
    person = await shop.person(role)
    assert is_as_expected(await route.ask(person, ready), route.staff)


@every_route
async def test_without_a_token_nothing_is_told(route: Route, ready: Document, ann: Person, shop: Shop) -> None:
    before = await shop.rows()
    async with shop.client() as client:
        nobody = Person(id=ann.id, email=ann.email, token="", client=client)
        there = await route.ask(nobody, ready)
        absent = await route.ask(nobody, {**ready, "id": str(UUID(int=1))})

    found = problem(there, 401, "not-authenticated")
    assert found["detail"] == problem(absent, 401, "not-authenticated")["detail"]
    assert await shop.rows() == before


CHANGES_ON_THE_WAY = {"x-request-id", "ratelimit"}


@every_route
@pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"', "If-None-Match": '"1"', "Idempotency-Key": "k"}])
async def test_somebody_elses_order_is_like_one_that_is_absent(
    route: Route, headers: dict[str, str], ready: Document, bob: Person, shop: Shop
) -> None:
    before = await shop.rows()
    bob.client.headers.update(headers)

    foreign = await route.ask(bob, ready)
    absent = await route.ask(bob, {**ready, "id": str(UUID(int=1))})

    of_foreign, of_absent = (problem(answer, 404, "order-not-found") for answer in (foreign, absent))
    for found in (of_foreign, of_absent):
        del found["instance"], found["request_id"]
    assert of_foreign == of_absent
    assert told_in_headers(foreign) == told_in_headers(absent)
    assert await shop.rows() == before


def told_in_headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGES_ON_THE_WAY}


async def test_an_order_just_read_by_its_customer_is_still_absent_for_others(
    ann: Person, bob: Person, order: Document
) -> None:
    await ann.read(order)
    problem(await bob.get(order_path(order), headers={"If-None-Match": '"1"'}), 404, "order-not-found")
    await ann.read(order)


@pytest.mark.parametrize("path", [ORDERS, f"{ORDERS}?status=PAID", ME])
async def test_lists_and_accounts_are_not_for_people_without_a_token(path: str, anybody: httpx.AsyncClient) -> None:
    problem(await anybody.get(path), 401, "not-authenticated")


async def test_nobody_places_an_order_without_a_token(anybody: httpx.AsyncClient, shop: Shop) -> None:
    before = await shop.rows()
    problem(await anybody.post(ORDERS, json=order_body()), 401, "not-authenticated")
    assert await shop.rows() == before
