"""The API's description and the page to try it from: complete, true, and without the internet."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.http.description import NEVER_SENT, ONLY_OF
from adapters.http.example_refusals import REFUSALS, UNTOLD
from adapters.http.examples import ANSWERS, REQUESTS
from adapters.http.problems import PROBLEMS, members_of
from order_service.domain.errors import OrderServiceError
from tests.http.shop import ORDERS, PROBLEM_JSON, Document, Person, Shop, document, order_body, order_path

EXTERNAL = re.compile(r"""https?:|(?:src|href|url|@import)\s*[=(]?\s*["']?//""", re.IGNORECASE)
LOADED = re.compile(r"""(?:src|href)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

Operation = dict[str, Any]


@pytest.fixture
async def description(anybody: httpx.AsyncClient) -> Document:
    answer = await anybody.get("/openapi.json")
    assert answer.status_code == 200
    assert "json" in answer.headers["content-type"]
    return document(answer)


@pytest.fixture
def operations(description: Document) -> dict[str, Operation]:
    """operationId -> operation, with its path and method in it."""
    return {
        operation["operationId"]: {**operation, "path": path, "method": method}
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def walk(node: object) -> Iterator[Document]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_it_is_openapi_3_1(description: Document) -> None:
    assert re.fullmatch(r"3\.1\.\d", description["openapi"])
    assert description["info"]["title"]
    assert description["info"]["version"]


def test_it_has_every_route(operations: dict[str, Operation]) -> None:
    assert {(operation["method"], operation["path"]) for operation in operations.values()} == {
        ("post", "/api/v1/accounts"),
        ("get", "/api/v1/accounts"),
        ("get", "/api/v1/accounts/{account_id}"),
        ("put", "/api/v1/accounts/{account_id}/role"),
        ("get", "/api/v1/accounts/{account_id}/events"),
        ("get", "/api/v1/accounts/me"),
        ("patch", "/api/v1/accounts/me"),
        ("get", "/api/v1/accounts/me/events"),
        ("get", "/api/v1/accounts/me/export"),
        ("post", "/api/v1/accounts/me/erasure"),
        ("post", "/api/v1/accounts/me/password"),
        ("get", "/api/v1/accounts/me/sessions"),
        ("delete", "/api/v1/accounts/me/sessions/{session_id}"),
        ("post", "/api/v1/auth/token"),
        ("post", "/api/v1/auth/revoke"),
        ("post", "/api/v1/orders"),
        ("get", "/api/v1/orders"),
        ("get", "/api/v1/orders/{order_id}"),
        ("patch", "/api/v1/orders/{order_id}"),
        ("put", "/api/v1/orders/{order_id}/lines"),
        ("post", "/api/v1/orders/{order_id}/payments"),
        ("post", "/api/v1/orders/batch"),
        ("post", "/api/v1/orders/{order_id}/refunds"),
        ("post", "/api/v1/orders/{order_id}/shipments"),
        ("post", "/api/v1/orders/{order_id}/shipments/{shipment_id}/delivery"),
        ("post", "/api/v1/orders/{order_id}/cancellation"),
        ("post", "/api/v1/orders/{order_id}/processing"),
        ("post", "/api/v1/orders/{order_id}/returns"),
        ("post", "/api/v1/orders/{order_id}/returns/{return_id}/receipt"),
        ("post", "/api/v1/orders/{order_id}/returns/{return_id}/refusal"),
        ("get", "/api/v1/orders/{order_id}/events"),
        ("get", "/api/v1/orders/{order_id}/events/stream"),
        ("get", "/api/v1/events"),
        ("get", "/.well-known/jwks.json"),
        ("get", "/livez"),
        ("get", "/readyz"),
    }


def test_every_operation_is_told_in_words(description: Document, operations: dict[str, Operation]) -> None:
    assert len(operations) == sum(len(METHODS & item.keys()) for item in description["paths"].values())
    for name, operation in operations.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert operation["summary"]
        assert operation["tags"]
        assert operation["description"]
        assert "Raises" not in operation["description"]
        assert not re.search(r"\b[A-Z][a-z]+[A-Z]\w+", operation["description"]), name


def test_every_operation_has_a_success_and_its_problems(operations: dict[str, Operation]) -> None:
    for name, operation in operations.items():
        responses = operation["responses"]
        assert any(status.startswith("2") for status in responses), name
        for status, response in responses.items():
            assert response["description"], (name, status)
            if int(status) >= 400:
                assert list(response["content"]) == [PROBLEM_JSON], (name, status)
                assert response["content"][PROBLEM_JSON]["schema"] == {"$ref": "#/components/schemas/ProblemOut"}
        if operation["path"].startswith("/api/"):
            assert {"400", "429", "500", "503"} <= responses.keys(), name


def test_what_needs_a_token_says_so(operations: dict[str, Operation]) -> None:
    open_to_all = {"register_account", "log_in", "log_out", "list_token_keys", "is_alive", "is_ready"}
    for name, operation in operations.items():
        assert bool(operation.get("security")) == (name not in open_to_all), name


def test_what_needs_a_token_documents_401(operations: dict[str, Operation]) -> None:
    missing = [name for name, op in operations.items() if op.get("security") and "401" not in op["responses"]]
    assert missing == []


def test_what_takes_a_body_documents_413_415_and_422(operations: dict[str, Operation]) -> None:
    wanted = {"413", "415", "422"}
    with_json = {name: op for name, op in operations.items() if "application/json" in op_body(op)}
    assert with_json.keys() == {
        "register_account",
        "change_my_password",
        "change_my_account",
        "set_role",
        "erase_my_account",
        "place_order",
        "change_order",
        "edit_order_lines",
        "record_payment",
        "record_refund",
        "ship_order",
        "cancel_order",
        "request_return",
        "receive_return",
        "refuse_return",
        "run_batch",
    }
    assert {
        name: wanted - op["responses"].keys() for name, op in with_json.items() if wanted - op["responses"].keys()
    } == {}


def op_body(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    return content


def test_reading_an_order_documents_304(operations: dict[str, Operation]) -> None:
    assert "304" in operations["get_order"]["responses"]


def test_health_documents_only_what_it_answers(operations: dict[str, Operation]) -> None:
    assert operations["is_alive"]["responses"].keys() == {"200"}
    assert operations["is_ready"]["responses"].keys() == {"200", "503"}


def test_every_reference_leads_somewhere(description: Document) -> None:
    references = [node["$ref"] for node in walk(description) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        node: Any = description
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
        assert node


def test_every_parameter_of_a_path_is_declared(operations: dict[str, Operation]) -> None:
    for name, operation in operations.items():
        in_path = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "path"}
        assert in_path.keys() == set(re.findall(r"{(\w+)}", operation["path"])), name
        assert all(parameter["required"] for parameter in in_path.values())
        assert all("schema" in parameter for parameter in operation.get("parameters", []))


def test_the_filter_by_metadata_is_declared(operations: dict[str, Operation]) -> None:
    [metadata] = [p for p in operations["list_orders"]["parameters"] if p["name"] == "metadata"]
    assert (metadata["in"], metadata["style"], metadata["explode"]) == ("query", "deepObject", True)
    assert metadata["schema"]["type"] == "object"
    assert metadata["schema"]["additionalProperties"]["type"] == "string"


def test_the_headers_that_matter_are_declared(operations: dict[str, Operation]) -> None:
    actions = {
        "record_payment",
        "record_refund",
        "ship_order",
        "deliver_shipment",
        "cancel_order",
        "request_return",
        "receive_return",
        "refuse_return",
    }
    other_changes = {"change_order", "edit_order_lines", "change_my_account", "set_role"}
    for name, operation in operations.items():
        headers = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (name in actions | {"place_order", "run_batch"}), name
        assert ("If-Match" in headers) == (name in actions | other_changes), name
        assert ("If-None-Match" in headers) == (name in {"get_order", "get_my_account", "get_account"}), name
        assert ("Last-Event-ID" in headers) == (name == "stream_order_events"), name


def test_the_way_to_a_token_is_declared(description: Document, operations: dict[str, Operation]) -> None:
    schemes = description["components"]["securitySchemes"]
    assert schemes["password"]["flows"]["password"]["tokenUrl"] == operations["log_in"]["path"]
    used = {name for op in operations.values() for entry in op.get("security", []) for name in entry}
    assert used <= schemes.keys()


async def test_what_is_answered_has_headers_that_are_described(
    operations: dict[str, Operation], ann: Person, operator: Person, order: Document, anybody: httpx.AsyncClient
) -> None:
    of_http = {"content-type", "content-length", "cache-control", "x-request-id", "vary", "server"} | {
        "x-content-type-options",
        "x-frame-options",
        "permissions-policy",
        "referrer-policy",
        "content-security-policy",
    }
    payment = {"payment_id": "pay-1", "amount": "1"}
    await ann.place()
    for name, status, answer in (
        ("place_order", "201", await ann.post(ORDERS, json=order_body(), headers={"Idempotency-Key": "k"})),
        ("place_order", "201", await ann.post(ORDERS, json=order_body(), headers={"Idempotency-Key": "k"})),
        ("get_order", "200", await ann.get(order_path(order))),
        ("get_order", "304", await ann.get(order_path(order), headers={"If-None-Match": "*"})),
        ("get_order", "401", await anybody.get(order_path(order))),
        ("list_orders", "200", await ann.get(ORDERS, params={"limit": 1})),
        ("record_payment", "201", await operator.post(order_path(order, "payments"), json=payment)),
        ("record_payment", "409", await operator.post(order_path(order, "payments"), json=payment)),
        ("record_payment", "403", await ann.post(order_path(order, "payments"), json=payment)),
        ("change_order", "200", await ann.patch(order_path(order), json={"external_ref": None})),
        ("screen_order_again", "202", await operator.post(order_path(order, "processing"))),
        ("list_order_events", "200", await ann.get(order_path(order, "events"), params={"limit": 1})),
        ("is_alive", "200", await anybody.get("/livez")),
    ):
        assert str(answer.status_code) == status, name
        described = {header.lower() for header in operations[name]["responses"][status].get("headers", {})}
        assert answer.headers.keys() - of_http <= described, name
        sometimes = {"idempotent-replayed"} | ({"www-authenticate"} if status == "403" else set())
        assert described - sometimes <= answer.headers.keys(), name


def test_it_is_valid(description: Document) -> None:
    OpenAPIV31SpecValidator(description).validate()


# Examples


def examples_of(content: Document, description: Document) -> Iterator[tuple[str, Any]]:
    for name, example in content["examples"].items():
        yield name, description["components"]["examples"][name]["value"] if "$ref" in example else example["value"]


def contents(operation: Operation) -> Iterator[tuple[str, str, Document]]:
    """Where, of which media type, and what may be sent or answered there; but no body, no content."""
    for media_type, content in op_body(operation).items():
        yield "request", media_type, content
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            yield status, media_type, content


def test_whatever_is_sent_or_answered_has_an_example(operations: dict[str, Operation]) -> None:
    without = [
        (name, where)
        for name, operation in operations.items()
        for where, _, content in contents(operation)
        if not content.get("examples")
    ]
    assert without == []


def test_every_example_is_what_its_schema_describes(description: Document, operations: dict[str, Operation]) -> None:
    checked = 0
    for name, operation in operations.items():
        for where, _, content in contents(operation):
            # All that is answered is described; only problems may have members of their own.
            whole = {"unevaluatedProperties": False} if where.startswith("2") else {}
            validator = OAS31Validator({**content["schema"], **whole, "components": description["components"]})
            for example_name, example in examples_of(content, description):
                found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]
                assert found == [], (name, where, example_name)
                checked += 1
    assert checked > 200


def test_every_example_within_a_schema_is_what_it_describes(description: Document) -> None:
    for schema in walk(description["components"]["schemas"]):
        validator = OAS31Validator({**schema, "components": description["components"]})
        examples = schema.get("examples", [])
        for example in examples if isinstance(examples, list) else []:
            assert list(validator.iter_errors(example)) == [], example


# Problems


def test_every_kind_of_problem_is_listed_with_its_status(description: Document) -> None:
    listed = description["components"]["schemas"]["ProblemType"]
    assert listed["enum"] == [f"/problems/{code}" for code in PROBLEMS]
    for code, kind in PROBLEMS.items():
        assert f"`{code}` ({kind.status})" in listed["description"]


async def test_every_kind_of_problem_has_a_page(anybody: httpx.AsyncClient, description: Document) -> None:
    for address in description["components"]["schemas"]["ProblemType"]["enum"]:
        assert (await anybody.get(address)).status_code == 200


def test_every_kind_of_problem_is_shown_where_it_may_come_from(
    description: Document, operations: dict[str, Operation]
) -> None:
    shown = set()
    for name, operation in operations.items():
        for where, media_type, content in contents(operation):
            if media_type != PROBLEM_JSON:
                continue
            assert content["examples"], (name, where)
            for code, problem in examples_of(content, description):
                assert problem["type"] == f"/problems/{code}"
                assert str(problem["status"]) == where, (name, code)
                assert "{" not in problem["instance"]
                assert f"`{code}`" in operation["responses"][where]["description"]
                shown.add(code)
    assert shown == PROBLEMS.keys() - NEVER_SENT


def test_the_table_of_problems_names_operations_that_there_are(operations: dict[str, Operation]) -> None:
    assert set().union(*ONLY_OF.values()) <= operations.keys()
    assert ONLY_OF.keys() | NEVER_SENT <= PROBLEMS.keys()
    assert (REQUESTS.keys() | ANSWERS.keys()) <= operations.keys()
    assert set() == UNTOLD


def kinds_of(error: type[OrderServiceError]) -> Iterator[type[OrderServiceError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_every_refusal_of_the_core_is_a_kind_of_problem() -> None:
    assert {kind.code for kind in kinds_of(OrderServiceError)} <= PROBLEMS.keys()


def test_no_refusal_puts_a_field_of_its_own_over_one_that_every_problem_has() -> None:
    for error in REFUSALS:
        assert members_of(error).keys() & {"type", "title", "status", "detail", "instance", "request_id"} == set()


async def test_what_is_answered_has_the_fields_that_are_described(
    description: Document, operator: Person, order: Document
) -> None:
    schemas = description["components"]["schemas"]
    delivered = await operator.move(order, "PAID", "SHIPPED", "DELIVERED")
    history = document(await operator.get(order_path(order, "events")))
    for answered, schema in (
        (delivered, "OrderView"),
        (delivered["lines"][0], "LineView"),
        (delivered["payments"][0], "PaymentView"),
        (delivered["shipments"][0], "ShipmentView"),
        (history, "EventListOut"),
        (history["items"][0], "EventView"),
        (document(await operator.get(order_path({"id": "1"}))), "ProblemOut"),
    ):
        described = schemas[schema]["properties"].keys()
        assert set(schemas[schema]["required"]) <= answered.keys() <= described, schema


def test_the_description_needs_nothing_from_elsewhere(description: Document) -> None:
    assert not [
        text for node in walk(description) for text in node.values() if isinstance(text, str) and "://" in text
    ]


@pytest.mark.parametrize("path", ["/docs", "/"])
async def test_the_page_loads_everything_from_here(path: str, anybody: httpx.AsyncClient) -> None:
    page = await anybody.get(path)

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert not EXTERNAL.search(page.text)
    loaded = [link for link in LOADED.findall(page.text) if not link.startswith("data:")]
    assert len(loaded) >= 3
    for link in loaded:
        assert link.startswith("/")
        assert not link.startswith("//")
        asset = await anybody.get(link)
        assert asset.status_code == 200
        assert asset.content
        expected = {"js": "javascript", "css": "css"}[link.rpartition(".")[2]]
        assert expected in asset.headers["content-type"]
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_the_assets_load_nothing_from_elsewhere(anybody: httpx.AsyncClient) -> None:
    start = (await anybody.get("/docs-assets/start.js")).text
    assert not EXTERNAL.search(start)
    assert '"/openapi.json"' in start
    css = (await anybody.get("/docs-assets/swagger-ui.css")).text
    assert not re.search(r"""@import|url\(\s*["']?(?!data:|["']?data:)""", css)


async def test_the_description_is_open_to_all(shop: Shop) -> None:
    async with shop.client(headers={"Authorization": "Bearer garbage"}) as client:
        assert (await client.get("/openapi.json")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
