"""Nobody sets what is not theirs: every body, with every field of the API put into it that it does not take."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from adapters.http.examples import REQUESTS
from tests.http.shop import Document, Person, Shop, document, pointers, problem

FORMS = {"log_in", "log_out"}
"""Of a form, what is not known is not looked at (RFC 6749, section 3.2)."""

FREE = "metadata"
"""Takes any key."""

CLASSICS = {
    "__proto__",
    "constructor",
    "is_admin",
    "admin",
    "password_hash",
    "account_id",
    "owner_id",
    "tenant",
    "ID",
}

VALUES: dict[str, Any] = {"version": 1, "role": "admin", "status": "DELIVERED"}
"""What would do harm if it were taken; for all other fields a text."""


@pytest.fixture
async def description(shop: Shop) -> Document:
    async with shop.client() as client:
        return document(await client.get("/openapi.json"))


def test_there_is_an_example_of_every_json_body(description: Document) -> None:
    with_body = {
        operation["operationId"]
        for item in description["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    }
    assert with_body == REQUESTS.keys()


@pytest.mark.parametrize("name", sorted(REQUESTS.keys() - FORMS))
async def test_no_body_takes_a_field_that_it_does_not_have(name: str, admin: Person, description: Document) -> None:
    path, method, taken = _route(description, name)
    everything = _fields(description["components"]["schemas"]) | CLASSICS
    refused = 0
    for example in REQUESTS[name].values():
        for pointer in _objects(example):
            known = taken(pointer, example)
            for field in sorted(everything - known):
                body = deepcopy(example)
                _at(body, pointer)[field] = VALUES.get(field, "x")
                answer = await admin.ask(method, path, json=body)
                found = problem(answer, 422, "invalid-request")
                assert pointers(found) == [pointer]
                assert f"unknown field `{field}`" in found["detail"]
                refused += 1
    assert refused > 50


def _route(description: Document, name: str) -> tuple[str, str, Any]:
    """Path, method, and what gives the fields that the object at a pointer takes."""
    for path, item in description["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] == name:
                (content,) = [
                    body for kind, body in operation["requestBody"]["content"].items() if kind == "application/json"
                ]
                filled = path
                for parameter in operation.get("parameters", []):
                    if parameter["in"] == "path":
                        filled = filled.replace(f"{{{parameter['name']}}}", "0197c2d4-8f10-7b63-a5c4-0e9d3b7f2a11")
                return filled, method.upper(), _taken(description, content["schema"])
    raise LookupError(name)


def _taken(description: Document, schema: Document) -> Any:
    def of(pointer: str, example: Any) -> set[str]:
        found, value = schema, example
        for step in [part for part in pointer.split("/") if part]:
            found = _variant(found, value)
            if isinstance(value, list):
                found, value = found["items"], value[int(step)]
            else:
                found, value = found["properties"][step], value[step]
        properties: set[str] = set(_variant(found, value)["properties"])
        return properties

    def _variant(found: Document, value: Any) -> Document:
        while "$ref" in found or "oneOf" in found or "anyOf" in found:
            if "$ref" in found:
                found = description["components"]["schemas"][found["$ref"].rpartition("/")[2]]
            else:
                (found,) = [each for each in found.get("oneOf") or found["anyOf"] if _fits(each, value)]
        return found

    def _fits(each: Document, value: Any) -> bool:
        if "$ref" in each:
            each = description["components"]["schemas"][each["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            tag = each.get("properties", {}).get("op", {})
            return each.get("type") == "object" and value.get("op") in tag.get("enum", [tag.get("const")])
        return each.get("type") == ("array" if isinstance(value, list) else "string")

    return of


def _objects(value: Any, pointer: str = "") -> Iterator[str]:
    """Pointers to the objects in it, itself among them."""
    if isinstance(value, dict):
        yield pointer
        for key, inner in value.items():
            if key != FREE:
                yield from _objects(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _objects(inner, f"{pointer}/{index}")


def _at(value: Any, pointer: str) -> Any:
    for step in [part for part in pointer.split("/") if part]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _fields(schemas: Document) -> set[str]:
    """The name of everything that the API takes or tells."""
    return {name for schema in schemas.values() for name in schema.get("properties", {})}
