"""What routes ask for is handed in directly. When one of these fails after an update of Litestar, `hand_in` no longer
knows its way about there: the service still works, but each request costs twice as much.
"""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get
from litestar._kwargs.kwargs_model import KwargsModel
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from adapters.http.dependencies import always, hand_in, hand_in_to, of_request
from tests.http.shop import ME, ORDERS, Document, Person, order_body, order_path


def path_of(request: Request[Any, Any, Any]) -> str:
    return request.url.path


def double(seven: NamedDependency[int]) -> int:
    return 2 * seven


async def slowly() -> int:
    return 3


async def opened() -> AsyncIterator[int]:
    yield 4


@get("/plain/{name:str}")
async def plain(name: FromPath[str], seven: NamedDependency[int], path: NamedDependency[str]) -> str:
    return f"{name} {seven} {path}"


@get("/deep")
async def deep(fourteen: NamedDependency[int], seven: NamedDependency[int]) -> str:
    return f"{fourteen} {seven}"


@get("/slow")
async def slow(three: NamedDependency[int], four: NamedDependency[int]) -> str:
    return f"{three} {four}"


@get("/nothing")
async def nothing() -> str:
    return "nothing"


def an_app() -> Litestar:
    return Litestar(
        route_handlers=[plain, deep, slow, nothing],
        dependencies={
            "seven": always(7),
            "path": of_request(path_of),
            "fourteen": Provide(double, sync_to_thread=False),
            "three": Provide(slowly),
            "four": Provide(opened),
        },
        openapi_config=None,
    )


def asking(app: Litestar) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")  # type: ignore[arg-type]  # ASGI, by another name


@pytest.fixture
def framework_resolves(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models whose dependencies the framework resolved itself."""
    resolved: list[Any] = []
    resolve = KwargsModel.resolve_dependencies

    async def counted(self: KwargsModel, *given: Any, **named: Any) -> Any:
        resolved.append(self)
        return await resolve(self, *given, **named)

    monkeypatch.setattr(KwargsModel, "resolve_dependencies", counted)
    return resolved


async def test_no_route_of_ours_leaves_it_to_the_framework(
    ann: Person, order: Document, framework_resolves: list[Any]
) -> None:
    for answer in (
        await ann.get(order_path(order)),
        await ann.get(ORDERS),
        await ann.get(ME),
        await ann.get(order_path(order, "events")),
        await ann.post(ORDERS, json=order_body()),
        await ann.patch(order_path(order), json={"status": "CANCELED"}),
    ):
        assert answer.is_success, answer.text
    assert not framework_resolves


async def test_what_is_there_already_is_handed_in(framework_resolves: list[Any]) -> None:
    async with asking(hand_in(an_app())) as client:
        for name in ("a", "b"):
            assert (await client.get(f"/plain/{name}")).text == f"{name} 7 /plain/{name}"
        assert (await client.get("/nothing")).text == "nothing"
    assert not framework_resolves


@pytest.mark.parametrize(("path", "answer"), [("/deep", "14 7"), ("/slow", "3 4")])
async def test_what_needs_more_than_a_call_is_left_to_the_framework(
    path: str, answer: str, framework_resolves: list[Any]
) -> None:
    async with asking(hand_in(an_app())) as client:
        assert (await client.get(path)).text == answer
    assert len(framework_resolves) == 1


async def test_without_it_the_framework_resolves_the_same(framework_resolves: list[Any]) -> None:
    async with asking(an_app()) as client:
        assert (await client.get("/plain/a")).text == "a 7 /plain/a"
    assert len(framework_resolves) == 1


@pytest.mark.parametrize(
    "model",
    [
        SimpleNamespace(),
        SimpleNamespace(dependency_batches=[{"a name"}], extractors=[]),
        SimpleNamespace(dependency_batches=[set()]),
        SimpleNamespace(dependency_batches=7, extractors=[]),
    ],
)
def test_a_model_of_another_version_is_left_as_it_is(
    model: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    before = dict(vars(model))
    assert hand_in_to(model) is False
    assert vars(model) == before
    assert "resolved by the framework" in caplog.text
