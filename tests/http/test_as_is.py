"""Answers that are ready go out as they are."""

from typing import Any

import httpx
import pytest
from litestar import Litestar, Response, get

from adapters.http.as_is import AsIs
from adapters.http.problems import PROBLEM_JSON

BYTES = b'{ "a" : 1.50 , "\xc3\xa4": "\\u00e4" }\n'


def sent(answer: AsIs) -> Any:
    @get("/")
    async def route() -> Response[bytes]:
        return answer

    return Litestar(route_handlers=[route], openapi_config=None)


async def ask(answer: AsIs) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sent(answer)), base_url="http://shop.test") as client:
        return await client.get("/")


async def test_the_bytes_are_those_that_were_given() -> None:
    answer = await ask(AsIs(BYTES, headers={"ETag": '"1"'}))
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert dict(answer.headers) == {
        "etag": '"1"',
        "content-type": "application/json",
        "content-length": str(len(BYTES)),
    }


async def test_status_and_media_type_are_those_that_were_given() -> None:
    answer = await ask(AsIs(b"", status=409, media_type=PROBLEM_JSON))
    assert answer.status_code == 409
    assert dict(answer.headers) == {"content-type": PROBLEM_JSON, "content-length": "0"}


@pytest.mark.parametrize("status", [204, 304])
async def test_where_there_can_be_no_body_nothing_is_told_of_one(status: int) -> None:
    answer = await ask(AsIs(b"", status=status, headers={"ETag": '"1"'}))
    assert (answer.status_code, answer.content) == (status, b"")
    assert dict(answer.headers) == {"etag": '"1"'}


async def test_names_of_headers_are_small_and_values_latin_1() -> None:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        raise AssertionError

    await AsIs(b"a", headers={"X-Where": "Köln"})({}, receive, send)  # type: ignore[arg-type]  # it needs no scope
    assert (b"x-where", b"K\xf6ln") in messages[0]["headers"]
    assert messages[1] == {"type": "http.response.body", "body": b"a", "more_body": False}
