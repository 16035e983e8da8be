"""What Schemathesis found, each as a test of its own."""

import httpx
import pytest

from tests.http.shop import Document, Person, Shop, a_line, document, order_body, order_path, problem

ORDERS = "/api/v1/orders"


async def test_orders_are_found_by_sku(ann: Person) -> None:
    wanted = await ann.place(lines=[a_line(sku="SKU-WANTED")])
    await ann.place(lines=[a_line(sku="SKU-OTHER")])

    found = document(await ann.get(ORDERS, params={"sku": "SKU-WANTED"}))

    assert [order["id"] for order in found["items"]] == [wanted["id"]]


@pytest.mark.parametrize(
    "query",
    ["status=null", "customer_id=null", "status=PAID&status=SHIPPED", "placed_from=0.5", "placed_to=1700000000"],
)
async def test_a_filter_that_would_not_filter_is_refused(query: str, ann: Person) -> None:
    problem(await ann.get(f"{ORDERS}?{query}"), 400, "malformed-request")


async def test_null_is_a_text_like_another(ann: Person) -> None:
    placed = await ann.place(external_ref="null")

    found = document(await ann.get(ORDERS, params={"external_ref": "null"}))

    assert [order["id"] for order in found["items"]] == [placed["id"]]


async def test_options_names_every_method_of_a_path(ann: Person, order: Document) -> None:
    async def allowed(path: str) -> set[str]:
        return set((await ann.ask("OPTIONS", path)).headers["allow"].split(", "))

    assert await allowed(ORDERS) == {"GET", "OPTIONS", "POST"}
    assert await allowed(order_path(order)) == {"GET", "OPTIONS", "PATCH"}


async def test_a_problem_keeps_its_status_when_nothing_is_left_to_return(
    ann: Person, operator: Person, order: Document
) -> None:
    await operator.move(order, "PAID", "SHIPPED")
    assert (await ann.post(order_path(order, "returns"), json={})).status_code == 201
    found = problem(await ann.post(order_path(order, "returns"), json={}), 409, "nothing-to-return")

    assert found["status"] == 409
    assert found["order_status"] == "SHIPPED"


async def test_the_description_says_which_bodies_refuse_unknown_fields(anybody: httpx.AsyncClient) -> None:
    schemas = document(await anybody.get("/openapi.json"))["components"]["schemas"]

    assert schemas["NewOrder"]["additionalProperties"] is False
    assert schemas["LoggedEventOut"]["properties"]["data"] == {"$ref": "#/components/schemas/ToldEvent"}


@pytest.mark.parametrize("path", [f"{ORDERS}?dryrun=true", f"{ORDERS}?dry_run=true&dry_run=false"])
async def test_a_parameter_that_is_not_there_or_there_twice_places_no_order(
    path: str, ann: Person, shop: Shop
) -> None:
    before = await shop.rows()
    problem(await ann.post(path, json=order_body()), 400, "malformed-request")
    assert await shop.rows() == before
