"""Forged and misused access tokens, some hundreds, against a service of each way to sign: none opens anything."""

import base64
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import URL

from adapters.persistence.sessions import SqlEndedSessions
from adapters.security.keys import TokenKey, TokenKeys, new_private_key
from adapters.security.tokens import JwtTokens
from adapters.system import SystemClock
from order_service.domain.actor import Actor, Scope
from order_service.ports import EndedSessions
from order_service.use_cases.create_service import CreateService, NewSecret
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from order_service.use_cases.remove_service import RemoveService
from order_service.use_cases.rotate_service_secret import RotateServiceSecret
from tests.http.forged import FORGERIES, KINDS
from tests.http.forged.victim import Victim
from tests.http.shop import GENEROUS, ORDERS, SECRET_KEY, TOKEN, Shop, document, open_shop, order_body, problem

PASSWORD = "correct horse battery"

TRIED: Counter[str] = Counter()
"""Service -> how many forgeries were refused."""


@pytest.fixture(scope="module", params=["HS256", "EdDSA", "ES256"])
async def attacked(
    request: pytest.FixtureRequest, shop_database: URL, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Shop, Victim]]:
    settings = GENEROUS
    if request.param != "HS256":
        file = tmp_path_factory.mktemp("keys") / "key.pem"
        file.write_bytes(new_private_key("ed25519" if request.param == "EdDSA" else "es256"))
        settings = msgspec.structs.replace(GENEROUS, signing_key_files=str(Path(file)))
    async with open_shop(shop_database, settings) as shop, shop.client() as client:
        yield shop, await a_victim(shop, client)


async def a_victim(shop: Shop, client: httpx.AsyncClient) -> Victim:
    key = (await shop.container.get(TokenKeys)).current
    email = f"{uuid4().hex}@example.com"
    register = await shop.container.get(RegisterAccount)
    account = await register(RegisterAccountCommand(email=email, password=PASSWORD))

    async def log_in() -> dict[str, Any]:
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        return document(await client.post(TOKEN, data=form))

    now = int(time.time())
    kept, logged_out, stolen = [await log_in() for _ in range(3)]
    await client.post("/api/v1/auth/revoke", data={"token": logged_out["refresh_token"]})
    headers = {"Authorization": f"Bearer {kept['access_token']}"}
    for _ in range(2):
        assert (await client.post(ORDERS, json=order_body(), headers=headers)).status_code == 201
    cursor = document(await client.get(f"{ORDERS}?limit=1", headers=headers))["next_cursor"]
    rotated, removed = await a_service(shop), await a_service(shop)
    of_rotated, of_removed = await token_of(client, rotated), await token_of(client, removed)
    renewed = await (await shop.container.get(RotateServiceSecret))(rotated.service.name)
    await (await shop.container.get(RemoveService))(removed.service.name)
    await steal(client, stolen)
    ended = await shop.container.get(EndedSessions)
    assert isinstance(ended, SqlEndedSessions)
    await ended.look()
    taken_away = TokenKey.from_pem(new_private_key("ed25519"))
    secret = TokenKey.secret(SECRET_KEY if key.jwk else "a former secret of 32 or more characters")
    return Victim(
        key=key,
        claims={
            "iss": "order-service",
            "aud": "order-service",
            "sub": str(account.id),
            "client_id": "public",
            "role": "customer",
            "scope": "orders:read orders:write",
            "iat": now,
            "exp": now + 3600,
            "jti": "1",
        },
        token=kept["access_token"],
        worn_out={
            "a refresh token": kept["refresh_token"],
            "a client secret": renewed.secret,
            "a client id": str(renewed.service.id),
            "an account id": str(account.id),
            "a session id": str(session_of(kept)),
            "a page cursor": cursor,
            "a password": PASSWORD,
            "signed with a key that was taken away": signed_by(taken_away, account.actor),
            "signed with the secret of the settings, which signs no more": signed_by(secret, account.actor),
            "of a session that was logged out": logged_out["access_token"],
            "of a session whose refresh token came twice": stolen["access_token"],
            "of a service with another secret by now": of_rotated,
            "of a service that was removed": of_removed,
        },
    )


def signed_by(key: TokenKey, actor: Actor) -> str:
    tokens = JwtTokens(TokenKeys([key]), lifetime=GENEROUS.access_token_lifetime)
    return tokens.issue(actor, at=SystemClock().now())


def session_of(tokens: dict[str, Any]) -> UUID:
    return UUID(bytes=base64.urlsafe_b64decode(tokens["refresh_token"])[:16])


async def a_service(shop: Shop) -> NewSecret:
    return await (await shop.container.get(CreateService))(f"system {uuid4().hex}", {Scope.ORDERS_READ})


async def token_of(client: httpx.AsyncClient, known: NewSecret) -> str:
    form = {"client_id": str(known.service.id), "client_secret": known.secret}
    answer = await client.post(TOKEN, data={"grant_type": "client_credentials", **form})
    token: str = document(answer)["access_token"]
    return token


async def refresh(client: httpx.AsyncClient, tokens: dict[str, Any]) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return await client.post(TOKEN, data=form)


async def steal(client: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
    """Its owner goes on twice, and then somebody comes with the first token again."""
    await refresh(client, document(await refresh(client, tokens)))
    problem(await refresh(client, tokens), 400, "invalid-grant")


async def assert_refused(shop: Shop, **said: Any) -> None:
    """By status, kind and header; and without a word of the library that found out."""
    async with shop.client() as client:
        answer = await client.request(said.pop("method", "GET"), said.pop("path", ORDERS), **said)
    found = problem(answer, 401, "not-authenticated")
    assert not {"jwt", "jws", "json", "base64", "hmac"} & set(found["detail"].lower().split())


async def test_a_token_that_is_made_here_is_taken(attacked: tuple[Shop, Victim]) -> None:
    """So that the others are refused for what is wrong with them."""
    shop, victim = attacked
    for token in (victim.token, victim.signed(), victim.signed(dict(reversed(victim.header.items())))):
        async with shop.client(headers={"Authorization": f"Bearer {token}"}) as client:
            answer = await client.get(ORDERS)
        assert answer.status_code == 200, answer.text
        assert len(document(answer)["items"]) == 2


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_opens_nothing(attacked: tuple[Shop, Victim], name: str) -> None:
    shop, victim = attacked
    forged = FORGERIES[name](victim)
    header = b"Bearer " + (forged if isinstance(forged, bytes) else forged.encode())
    await assert_refused(shop, headers={b"Authorization": header})
    TRIED[victim.key.algorithm] += 1


# A good token, in the wrong place or in bad company


def given(misuse: Callable[[str, str], dict[str, Any]], value: str) -> Callable[[str], dict[str, Any]]:
    return lambda token: misuse(token, value)


MISUSES: dict[str, Callable[[str], dict[str, Any]]] = {
    "in the query": lambda t: {"path": f"{ORDERS}?access_token={t}"},
    "in the query as token": lambda t: {"path": f"{ORDERS}?token={t}"},
    "in the query as Authorization": lambda t: {"path": f"{ORDERS}?Authorization=Bearer%20{t}"},
    "in a cookie": lambda t: {"headers": {"Cookie": f"access_token={t}; token={t}; Authorization=Bearer {t}"}},
    "in a form": lambda t: {"method": "POST", "data": {"access_token": t}},
    "in a JSON body": lambda t: {"method": "POST", "json": {**order_body(), "access_token": t}},
    "twice": lambda t: {"headers": [("Authorization", f"Bearer {t}")] * 2},
    "behind another": lambda t: {"headers": [("Authorization", "Bearer x"), ("Authorization", f"Bearer {t}")]},
    "before another": lambda t: {"headers": [("Authorization", f"Bearer {t}"), ("Authorization", "Bearer x")]},
    "before a Basic one": lambda t: {"headers": [("Authorization", f"Bearer {t}"), ("authorization", "Basic eDp5")]},
    "behind an empty one": lambda t: {"headers": [("Authorization", ""), ("Authorization", f"Bearer {t}")]},
    "twice in one header": lambda t: {"headers": {"Authorization": f"Bearer {t}, Bearer {t}"}},
    **{
        f"as {scheme!r}": given(lambda t, scheme: {"headers": {"Authorization": f"{scheme}{t}"}}, scheme)
        for scheme in (
            *(
                "",
                "Basic ",
                "Token ",
                "JWT ",
                "DPoP ",
                "MAC ",
                "Digest ",
                "OAuth ",
                "Bearer: ",
                "Bearer, ",
                "Bearer=",
            ),
            *("Bearer", "Bearer\t", "Bearer=", "Bearers ", "earer ", "bearer token=", 'Bearer realm="x", '),
        )
    },
    **{
        f"as {header}": given(lambda t, header: {"headers": {header: f"Bearer {t}"}}, header)
        for header in ("Proxy-Authorization", "X-Authorization", "X-Forwarded-Authorization", "Access-Token")
    },
    "as a user's password": lambda t: {"path": f"http://user:{t}@shop.test{ORDERS}"},
}


@pytest.mark.parametrize("how", MISUSES)
async def test_a_good_token_counts_in_one_authorization_header_alone(attacked: tuple[Shop, Victim], how: str) -> None:
    shop, victim = attacked
    await assert_refused(shop, **MISUSES[how](victim.token))
    TRIED[victim.key.algorithm] += 1


def test_the_corpus_is_as_large_as_it_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        kinds = Counter(name.partition(":")[0] for name in FORGERIES)
        print(f"\nforged tokens: {len(FORGERIES)} ({', '.join(f'{kinds[kind]} {kind}' for kind in kinds)})")
        print(f"misused tokens: {len(MISUSES)}; refused: {dict(TRIED)}; accepted: 0")
    assert len(FORGERIES) == sum(1 for forgeries in KINDS.values() for _ in forgeries()) >= 200
