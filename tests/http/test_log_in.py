"""Registering, logging in, and tokens that hold or do not."""

import base64
import time
import unicodedata
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from adapters.security.keys import TokenKey
from composition.settings import Settings
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    SECRET_KEY,
    TOKEN,
    Document,
    Person,
    Shop,
    document,
    order_body,
    order_path,
    problem,
)

PASSWORD = "correct horse battery"
CHANGES_ON_THE_WAY = {"x-request-id", "ratelimit"}


@pytest.fixture(scope="module")
async def email(shop: Shop) -> str:
    """Of an account that logs in with PASSWORD."""
    email = f"ann-{uuid4().hex}@example.com"
    register = await shop.container.get(RegisterAccount)
    await register(RegisterAccountCommand(email=email, password=PASSWORD))
    return email


async def log_in(client: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": "password", **form})


async def test_who_registers_can_log_in_and_order(anybody: httpx.AsyncClient) -> None:
    body = {"email": f"Ann.{uuid4().hex}@Example.com", "password": PASSWORD}
    registered = await anybody.post(ACCOUNTS, json=body)
    account = document(registered)
    assert registered.status_code == 201
    assert registered.headers["cache-control"] == "private, no-store"
    assert account == {
        "id": account["id"],
        "email": body["email"].lower(),
        "role": "customer",
        "created_at": account["created_at"],
        "version": 1,
    }

    answer = await log_in(anybody, username=body["email"], password=PASSWORD)
    token = document(answer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert token | {"access_token": "", "refresh_token": ""} == {
        "access_token": "",
        "refresh_token": "",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "orders:read orders:write accounts:read accounts:write",
    }

    anybody.headers["Authorization"] = f"{token['token_type']} {token['access_token']}"
    assert document(await anybody.get(ME)) == account
    placed = document(await anybody.post(ORDERS, json=order_body()))
    assert placed["customer_id"] == account["id"]


async def test_an_email_address_is_the_same_whatever_its_case(email: str, anybody: httpx.AsyncClient) -> None:
    assert (await log_in(anybody, username=f" {email.upper()} ", password=PASSWORD)).status_code == 200


async def test_other_fields_of_the_form_do_not_matter(email: str, anybody: httpx.AsyncClient) -> None:
    answer = await log_in(anybody, username=email, password=PASSWORD, state="x", client_id="y", client_secret="z")
    assert answer.status_code == 200


async def test_a_password_is_taken_as_it_is(anybody: httpx.AsyncClient) -> None:
    for password in ("pässwörd 🔑 & = + %", " " * 8, "x" * 1024, "nul \0 within"):
        body = {"email": f"{uuid4().hex}@example.com", "password": password}
        assert (await anybody.post(ACCOUNTS, json=body)).status_code == 201
        assert (await log_in(anybody, username=body["email"], password=password)).status_code == 200
        problem(await log_in(anybody, username=body["email"], password=password[:-1]), 400, "invalid-grant")


async def test_a_password_is_the_same_from_a_mac_and_from_windows(anybody: httpx.AsyncClient) -> None:
    on_windows, on_a_mac = "pässwörter", unicodedata.normalize("NFD", "pässwörter")
    for chosen in (on_windows, on_a_mac):
        body = {"email": f"{uuid4().hex}@example.com", "password": chosen}
        assert (await anybody.post(ACCOUNTS, json=body)).status_code == 201
        for typed in (on_windows, on_a_mac):
            assert (await log_in(anybody, username=body["email"], password=typed)).status_code == 200


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("12345678", "is one of the most common passwords; choose another."),
        ("QwertyUIOP", "is one of the most common passwords; choose another."),
        ("annabelle.lee", "must not be the e-mail address, or what stands before its @; choose another."),
        ("7 chars", "must have 8 to 1024 characters, not 7."),
        ("x" * 1025, "must have 8 to 1024 characters, not 1025."),
        ("x" * 100_000, "must be readable text of at most 4096 bytes in UTF-8."),
    ],
)
async def test_a_password_that_is_easily_guessed_is_refused_and_it_is_said_why(
    password: str, said: str, anybody: httpx.AsyncClient, shop: Shop
) -> None:
    before = await shop.rows()
    answer = await anybody.post(ACCOUNTS, json={"email": "annabelle.lee@example.com", "password": password})
    assert problem(answer, 422, "invalid-request")["errors"] == [{"pointer": "/password", "detail": said}]
    assert await shop.rows() == before


async def test_an_endless_password_is_a_wrong_one(email: str, anybody: httpx.AsyncClient) -> None:
    problem(await log_in(anybody, username=email, password="x" * 500_000), 400, "invalid-grant")


async def test_nobody_learns_whether_there_is_such_an_account(
    email: str, anybody: httpx.AsyncClient, shop: Shop
) -> None:
    before = await shop.rows()
    answers = [
        await log_in(anybody, username=email, password="wrong horse battery"),
        await log_in(anybody, username=f"{uuid4().hex}@example.com", password="wrong horse battery"),
        await log_in(anybody, username="no address at all", password="wrong horse battery"),
        await log_in(anybody, username=email),
        await log_in(anybody),
    ]

    for answer in answers:
        assert problem(answer, 400, "invalid-grant")["error"] == "invalid_grant"
        assert answer.headers["cache-control"] in {"no-store", "private, no-store"}
    assert len({without_request_id(answer) for answer in answers}) == 1
    told = [{k: v for k, v in a.headers.items() if k not in CHANGES_ON_THE_WAY} for a in answers]
    assert all(headers == told[0] for headers in told)
    assert await shop.rows() == before


def without_request_id(answer: httpx.Response) -> bytes:
    return answer.content.replace(answer.headers["x-request-id"].encode(), b"")


@pytest.mark.parametrize("grant_type", ["authorization_code", "client_credential", "Password", "x" * 1000, "\0", " "])
async def test_another_grant_type_is_called_unsupported(grant_type: str, anybody: httpx.AsyncClient) -> None:
    found = problem(await log_in(anybody, grant_type=grant_type), 400, "unsupported-grant-type")
    assert found["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    "form", ["", "username=ann&password=x", "grant_type=password&grant_type=password", "%ff=%fe", "&&&"]
)
async def test_a_form_with_no_grant_type_or_two_is_an_invalid_request(
    form: str, anybody: httpx.AsyncClient, shop: Shop
) -> None:
    """RFC 6749, section 5.2: status 400 and `invalid_request`."""
    before = await shop.rows()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    found = problem(await anybody.post(TOKEN, content=form.encode(), headers=headers), 400)
    assert found["error"] == "invalid_request"
    assert await shop.rows() == before


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", None])
async def test_a_log_in_is_a_form(content_type: str | None, email: str, anybody: httpx.AsyncClient) -> None:
    body = urlencode({"grant_type": "password", "username": email, "password": PASSWORD}).encode()
    headers = {} if content_type is None else {"content-type": content_type}
    problem(await anybody.post(TOKEN, content=body, headers=headers), 415, "unsupported-media-type")


async def test_a_form_may_name_its_charset(email: str, anybody: httpx.AsyncClient) -> None:
    body = urlencode({"grant_type": "password", "username": email, "password": PASSWORD}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    assert (await anybody.post(TOKEN, content=body, headers=headers)).status_code == 200


# Tokens that do not hold


def claims(**said: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "order-service",
        "aud": "order-service",
        "sub": str(UUID(int=1)),
        "client_id": "public",
        "role": "admin",
        "scope": "orders:read orders:write accounts:read",
        "iat": now,
        "exp": now + 600,
        "jti": "1",
        **said,
    }


KID = TokenKey.secret(SECRET_KEY).kid


def signed(key: str = SECRET_KEY, algorithm: str = "HS256", typ: str = "at+jwt", **said: Any) -> str:
    return jwt.encode(claims(**said), key, algorithm=algorithm, headers={"typ": typ, "kid": KID})


def without(name: str) -> str:
    left = {key: value for key, value in claims().items() if key != name}
    return jwt.encode(left, SECRET_KEY, algorithm="HS256", headers={"typ": "at+jwt", "kid": KID})


def in_base64(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def unsigned() -> str:
    header, payload = b'{"alg":"none","typ":"at+jwt"}', signed().split(".")[1]
    return f"{in_base64(header)}.{payload}."


def with_header(header: bytes) -> str:
    return f"{in_base64(header)}.e30.AAAA"


DEEP_HEADER = b'{"alg":"HS256","x":' + b"[" * 6000

TOKENS: dict[str, str | bytes] = {
    "no scheme": signed(),
    "another scheme": f"Basic {signed()}",
    "no token": "Bearer",
    "a blank token": "Bearer  ",
    "garbage": "Bearer garbage",
    "two dots": "Bearer ..",
    "dots and letters": "Bearer a.b.c",
    "five parts": "Bearer a.b.c.d.e",
    "something behind it": f"Bearer {signed()} x",
    "bytes that are no ASCII": b"Bearer \xc3\xa9\xff",
    "a NUL": b"Bearer a\x00b",
    "a header in deep brackets": f"Bearer {with_header(DEEP_HEADER)}",
    "a header that is a list": f"Bearer {with_header(b'[]')}",
    "a header that is no UTF-8": "Bearer " + with_header(b"\xff\xfe"),
    "another key": f"Bearer {signed('another secret key, 32 or more characters long')}",
    "no signature": f"Bearer {signed().rpartition('.')[0]}.",
    "half a signature": f"Bearer {signed()[:-20]}",
    "no algorithm": f"Bearer {unsigned()}",
    "another algorithm": f"Bearer {signed(SECRET_KEY * 2, algorithm='HS512')}",
    "expired": f"Bearer {signed(exp=int(time.time()) - 1)}",
    "expired in 1970": f"Bearer {signed(exp=0)}",
    "expires as a text": f"Bearer {signed(exp='tomorrow')}",
    "never expires": f"Bearer {without('exp')}",
    "for another service": f"Bearer {signed(aud='billing')}",
    "for nobody": f"Bearer {without('aud')}",
    "from another service": f"Bearer {signed(iss='billing')}",
    "another kind of token": f"Bearer {signed(typ='JWT')}",
    "a role that there is not": f"Bearer {signed(role='root')}",
    "the role of the service itself": f"Bearer {signed(role='system')}",
    "a role that is a list": f"Bearer {signed(role=['admin'])}",
    "no role": f"Bearer {without('role')}",
    "a subject that is no UUID": f"Bearer {signed(sub='admin')}",
    "no subject": f"Bearer {without('sub')}",
}


@pytest.mark.parametrize("sent", [pytest.param(sent, id=what) for what, sent in TOKENS.items()])
async def test_a_token_that_does_not_hold_opens_nothing(
    sent: str | bytes, anybody: httpx.AsyncClient, order: Document, shop: Shop
) -> None:
    before = await shop.rows()
    headers = {b"Authorization": sent if isinstance(sent, bytes) else sent.encode()}
    for answer in (
        await anybody.get(ME, headers=headers),
        await anybody.get(order_path(order), headers=headers),
        await anybody.post(ORDERS, json=order_body(), headers=headers),
    ):
        found = problem(answer, 401, "not-authenticated")
        assert "jwt" not in found["detail"].lower()
    assert await shop.rows() == before


async def test_a_token_signed_like_ours_holds(anybody: httpx.AsyncClient) -> None:
    """So that the refusals above are for what is wrong with those."""
    assert (await anybody.get(ORDERS, headers={"Authorization": f"Bearer {signed()}"})).status_code == 200
    assert (await anybody.get(ORDERS, headers={"Authorization": f"bEARER   {signed()}"})).status_code == 200


async def test_the_account_of_a_token_may_be_gone(anybody: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {signed()}"}
    problem(await anybody.get(ME, headers=headers), 404, "account-not-found")


async def test_a_token_lasts_as_long_as_the_settings_say(ann: Person) -> None:
    lifetime = int(Settings().access_token_lifetime.total_seconds())
    decoded = jwt.decode(ann.token, SECRET_KEY, algorithms=["HS256"], audience="order-service")
    assert decoded["exp"] - decoded["iat"] == lifetime
    assert "email" not in decoded
