"""Key pairs instead of the secret: others verify our tokens, and keys are changed without anybody noticing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import jwt
import msgspec
import pytest
from sqlalchemy import URL

from adapters.security.keys import new_private_key
from tests.http.shop import GENEROUS, ORDERS, SECRET_KEY, Shop, document, open_shop, problem

JWKS = "/.well-known/jwks.json"

OpenShop = Callable[..., Awaitable[Shop]]


@pytest.fixture
async def open_with(shop_database: URL) -> AsyncIterator[OpenShop]:
    """A shop whose processes were started with these keys."""
    async with AsyncExitStack() as open_shops:

        async def opened(*files: Path, former: str = "") -> Shop:
            names = ",".join(map(str, files))
            settings = msgspec.structs.replace(GENEROUS, signing_key_files=names, former_secret_keys=former)
            return await open_shops.enter_async_context(open_shop(shop_database, settings))

        yield opened


@pytest.fixture
def keys(tmp_path: Path) -> list[Path]:
    """An Ed25519 key, and a P-256 key."""
    files = [tmp_path / "ed25519.pem", tmp_path / "es256.pem"]
    files[0].write_bytes(new_private_key("ed25519"))
    files[1].write_bytes(new_private_key("es256"))
    return files


async def status(shop: Shop, token: str) -> int:
    async with shop.client(headers={"Authorization": f"Bearer {token}"}) as client:
        answer = await client.get(ORDERS)
    if answer.status_code != 200:
        problem(answer, 401, "not-authenticated")
    return answer.status_code


async def a_token(shop: Shop) -> str:
    person = await shop.person()
    await person.client.aclose()
    return person.token


async def test_a_secret_is_nothing_to_publish(shop: Shop) -> None:
    async with shop.client() as client:
        answer = await client.get(JWKS)
    assert document(answer) == {"keys": []}
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_whoever_has_the_public_keys_can_verify_our_tokens(open_with: OpenShop, keys: list[Path]) -> None:
    for current, former, algorithm in ((keys[0], keys[1], "EdDSA"), (keys[1], keys[0], "ES256")):
        shop = await open_with(current, former)
        token = await a_token(shop)
        async with shop.client() as client:
            answer = await client.get(JWKS)
        assert answer.headers["content-type"] == "application/json"
        published = jwt.PyJWKSet.from_dict(document(answer))
        assert len(published.keys) == 2
        assert "d" not in answer.json()["keys"][0]
        key = published[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=[algorithm], audience="order-service", issuer="order-service")
        assert claims["role"] == "customer"


async def test_a_key_is_changed_step_by_step_and_nobody_is_logged_out(open_with: OpenShop, keys: list[Path]) -> None:
    """All processes learn to verify by the new key before one signs with it, and forget the old one last."""
    old, new = keys
    steps = [await open_with(*files) for files in ([old], [old, new], [new, old], [new])]
    tokens = [await a_token(step) for step in steps]
    for before, after in ((0, 1), (1, 2), (2, 3)):  # while a deployment is under way, both run
        for shop in (steps[before], steps[after]):
            expected = 401 if (shop, before) == (steps[3], 0) else 200
            assert await status(shop, tokens[after]) == expected
    assert [await status(steps[2], token) for token in tokens] == [200] * 4
    assert [await status(steps[3], token) for token in tokens] == [401, 401, 200, 200]


async def test_a_secret_holds_behind_key_files_as_long_as_it_is_named(
    shop: Shop, open_with: OpenShop, keys: list[Path]
) -> None:
    token = await a_token(shop)
    assert await status(await open_with(keys[0], former=SECRET_KEY), token) == 200
    assert await status(await open_with(keys[0]), token) == 401


async def test_a_former_secret_verifies_and_the_current_one_signs(shop: Shop, open_with: OpenShop) -> None:
    former = await open_with(former="a former secret of 32 or more characters")
    assert await status(former, await a_token(shop)) == 200
    assert await status(shop, await a_token(former)) == 200
