"""What holds for every answer: request ids, careful headers, and who may ask from a browser."""

import re

import httpx
import pytest

from tests.http.served import Served
from tests.http.shop import ME, ORDERS, TOKEN, Document, Person, document, is_careful, order_path, problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
HOME = "http://localhost:3000"
ELSEWHERE = "http://evil.example"


@pytest.mark.parametrize("sent", ["1", "a" * 128, "7f9c.A-b_c", "0197c2d4-0000-7000-8000-000000000000"])
async def test_a_harmless_request_id_is_kept(sent: str, ann: Person) -> None:
    assert (await ann.get(ORDERS, headers={"X-Request-Id": sent})).headers["x-request-id"] == sent
    refused = await ann.get(f"{ORDERS}/1", headers={"X-Request-Id": sent})
    assert problem(refused, 404)["request_id"] == sent


BAD_REQUEST_IDS: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "129 characters": b"a" * 129,
    "a line break and a header": b"a\r\nSet-Cookie: b=c",
    "a line feed at the end": b"a\n",
    "a NUL": b"a\x00b",
    "a space": b"a b",
    "markup": b"<script>",
    "quotes": b'"a"',
    "UTF-8": "ä".encode(),
    "bytes that are no UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("sent", [pytest.param(sent, id=what) for what, sent in BAD_REQUEST_IDS.items()])
async def test_any_other_request_id_is_replaced(sent: bytes, ann: Person) -> None:
    for path, status in ((ORDERS, 200), (f"{ORDERS}/1", 404)):
        answer = await ann.get(path, headers={"X-Request-Id": sent})
        given = answer.headers["x-request-id"]
        assert answer.status_code == status
        assert REQUEST_ID.fullmatch(given)
        assert given.encode() != sent
        assert len(answer.headers.get_list("x-request-id")) == 1
        assert "set-cookie" not in answer.headers


async def test_every_request_has_an_id_of_its_own(ann: Person) -> None:
    given = [(await ann.get(ORDERS)).headers["x-request-id"] for _ in range(5)]
    assert len(set(given)) == 5


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/docs", "/openapi.json", "/problems/not-found", ORDERS, ME, "/nope", "/api/v1/nope"],
)
async def test_every_answer_has_the_careful_headers(path: str, anybody: httpx.AsyncClient) -> None:
    assert is_careful(await anybody.get(path))
    assert is_careful(await anybody.request("DELETE", path))
    assert is_careful(await anybody.options(path))


async def test_every_answer_of_every_route_has_them_too(served: Served, dave: Person) -> None:
    """Over a socket: the server might add some of its own."""
    paths = document(await dave.get("/openapi.json"))["paths"]
    asked = 0
    for path, operations in paths.items():
        for method in operations:
            if method not in {"get", "post", "put", "patch", "delete"} or path.endswith("/stream"):
                continue
            address = re.sub(r"{[^}]*}", "0197c2d4-0000-7000-8000-000000000000", path)
            async with httpx.AsyncClient(base_url=served.url) as nobody:
                for client in (nobody, dave.client):
                    for body in (None, {"unknown": 1}):
                        answer = await client.request(method, address, json=body)
                        assert is_careful(answer), (method, path, answer.status_code, answer.headers)
                        asked += 1
    assert asked > 100


@pytest.mark.parametrize("path", [ORDERS, "{order}", "{order}/events"])
async def test_head_is_told_to_get_instead(path: str, ann: Person, order: Document) -> None:
    answer = await ann.ask("HEAD", path.replace("{order}", order_path(order)))
    assert (answer.status_code, answer.content) == (405, b"")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("{order}/payments", {"POST"}),
        ("{order}/events", {"GET"}),
        ("{order}/events?limit=2&limit=3&unknown", {"GET"}),
        (TOKEN, {"POST"}),
    ],
)
async def test_options_tells_all_the_methods(path: str, allowed: set[str], ann: Person, order: Document) -> None:
    answer = await ann.ask("OPTIONS", path.replace("{order}", order_path(order)))
    assert (answer.status_code, answer.content) == (204, b"")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed | {"OPTIONS"}


async def preflight(client: httpx.AsyncClient, path: str, origin: str, method: str = "PATCH") -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, if-match",
    }
    return await client.options(path, headers=headers)


@pytest.mark.parametrize("origin", [HOME, "http://localhost:4200"])
async def test_a_browser_of_ours_may_ask(
    origin: str, anybody: httpx.AsyncClient, ann: Person, order: Document
) -> None:
    asked = await preflight(anybody, order_path(order), origin)

    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == origin
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key", "if-match"))
    assert "Origin" in asked.headers["vary"]

    answer = await ann.get(order_path(order), headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert all(name in exposed for name in ("etag", "location", "link", "retry-after", "ratelimit"))


async def test_a_browser_of_ours_may_read_the_problems_too(ann: Person, anybody: httpx.AsyncClient) -> None:
    for answer, status in (
        (await ann.get(f"{ORDERS}/1", headers={"Origin": HOME}), 404),
        (await anybody.get(ORDERS, headers={"Origin": HOME}), 401),
        (await ann.ask("DELETE", ORDERS, headers={"Origin": HOME}), 405),
    ):
        problem(answer, status)
        assert answer.headers["access-control-allow-origin"] == HOME


@pytest.mark.parametrize(
    "origin", [ELSEWHERE, "null", "http://localhost:3000.evil.example", "https://localhost:3000"]
)
async def test_another_browser_may_not(origin: str, anybody: httpx.AsyncClient, ann: Person, order: Document) -> None:
    asked = await preflight(anybody, order_path(order), origin)
    refusal = problem(asked, 403, "origin-not-allowed")
    assert refusal["instance"] == order_path(order)
    assert "access-control-allow-origin" not in asked.headers

    answer = await ann.get(order_path(order), headers={"Origin": origin})
    assert document(answer) == order
    assert "access-control-allow-origin" not in answer.headers
