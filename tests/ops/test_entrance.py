"""Who comes in at /ops, what their browser keeps, and which forms are believed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import URL, text

from adapters.http.ops.entrance import COOKIE
from composition.settings import Settings
from order_service.domain.actor import Actor, ActorKind, Role
from order_service.ports import Deeds, Tokens
from tests.fleet.waiting import until
from tests.http.shop import (
    GENEROUS,
    PASSWORD,
    Document,
    Person,
    Shop,
    document,
    is_careful,
    log_in,
    open_shop,
    problem,
)
from tests.ops.staff import FROM_HERE, LOG_IN, Browser, somebody

PAGES = ("/ops", "/ops/machinery", "/ops/orders", "/ops/jobs", "/ops/letters", "/ops/deeds", "/ops/nothing/here")


def is_a_page(answer: httpx.Response, status: int = 200) -> bool:
    """HTML that nobody keeps, with the request's id."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    assert is_careful(answer)
    assert "access-control-allow-origin" not in answer.headers
    return answer.headers["x-request-id"] in answer.text and "<main" in answer.text


def is_sent_to_log_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith(LOG_IN)


# In


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
async def test_staff_comes_in_and_the_cookie_is_for_these_pages_alone(shop: Shop, role: Role) -> None:
    person = await shop.member(role)
    browser = Browser(shop)
    assert is_a_page(await browser.get(LOG_IN))
    answer = await browser.log_in(person.email)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ops")
    [cookie] = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    assert (name, set(rest.split("; ")[1:])) == (
        COOKIE,
        {"HttpOnly", "SameSite=Strict", "Path=/ops", f"Max-Age={60 * Settings().access_token_minutes}"},
    )
    assert is_a_page(await browser.get("/ops"))


async def test_the_cookie_is_for_encrypted_connections_where_there_are_any(shop: Shop, shop_database: URL) -> None:
    person = await shop.member(Role.OPERATOR)
    said = {**FROM_HERE, "X-Forwarded-Proto": "https"}
    form = {"email": person.email, "password": PASSWORD}
    by_itself = await Browser(shop).send(LOG_IN, form, said)
    assert "Secure" not in by_itself.headers["set-cookie"]
    settings = Settings(trusted_proxies="10.0.0.0/8", rate_limit_accounts_per_minute=1_000)
    assert settings.proxies == [ip_network("10.0.0.0/8")]
    async with open_shop(shop_database, settings) as behind:
        for address, is_believed in (("10.1.2.3", True), ("127.0.0.1", False)):
            answer = await Browser(behind, address=address).send(LOG_IN, form, said)
            assert ("; Secure" in answer.headers["set-cookie"]) is is_believed
    encrypted = httpx.AsyncClient(transport=httpx.ASGITransport(shop.app), base_url="https://shop.test")
    async with encrypted as client:
        answer = await client.post(LOG_IN, data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert "; Secure" in answer.headers["set-cookie"]


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(shop: Shop, nobody: Browser) -> None:
    person = await shop.member(Role.OPERATOR)
    told = set()
    for email in (person.email, f"{uuid4().hex}@example.com"):
        answer = await nobody.log_in(email, "not this one", next="/ops/deeds")
        assert is_a_page(answer, 400)
        assert "set-cookie" not in answer.headers
        assert 'name="next" value="/ops/deeds"' in answer.text
        told.add(answer.text.replace(email, "").replace(answer.headers["x-request-id"], "").partition("<footer")[0])
    assert len(told) == 1


async def test_a_customer_is_told_that_they_may_not_and_has_no_session(shop: Shop, nobody: Browser) -> None:
    person = await shop.member()
    before = await open_sessions(shop, person)
    answer = await nobody.log_in(person.email)
    assert is_a_page(answer, 403)
    assert "operators and admins" in answer.text
    assert "set-cookie" not in answer.headers
    assert await open_sessions(shop, person) == before
    assert is_sent_to_log_in(await nobody.get("/ops"))


async def open_sessions(shop: Shop, person: Person) -> int:
    counted = text("SELECT count(*) FROM sessions WHERE account_id = :id AND ended_at IS NULL")
    async with shop.engine.connect() as connection:
        return int(await connection.scalar(counted, {"id": person.id}) or 0)


async def test_tries_are_limited_as_at_the_api_and_looking_is_not(shop_database: URL) -> None:
    settings = Settings(rate_limit_accounts_per_minute=3)
    async with open_shop(shop_database, settings) as strict:
        browser = Browser(strict)
        for _ in range(3):
            assert (await browser.log_in("ann@example.com", "guess")).status_code == 400
        refused = await browser.log_in("ann@example.com", "guess")
        assert is_a_page(refused, 429)
        assert int(refused.headers["retry-after"]) >= 1
        async with strict.client() as client:
            assert (await log_in(client, "ann@example.com")).status_code == 429
        assert is_a_page(await browser.get(LOG_IN))


async def test_guesses_count_wherever_they_are_made(shop_database: URL) -> None:
    email = f"{uuid4().hex}@example.com"
    settings = Settings(rate_limit_accounts_per_minute=1_000, wrong_passwords_per_hour=2)
    async with open_shop(shop_database, settings) as strict, strict.client() as client:
        assert (await log_in(client, email)).status_code == 400
        assert (await Browser(strict).log_in(email)).status_code == 400
        refused = await Browser(strict).log_in(email)
        assert is_a_page(refused, 429)
        assert "Too many" in refused.text


# Where one wanted to go


async def test_who_is_not_logged_in_sees_nothing_and_is_led_back_afterwards(shop: Shop, nobody: Browser) -> None:
    for page in PAGES:
        assert is_sent_to_log_in(await nobody.get(page)), page
    asked = await nobody.get("/ops/orders?status=PAID&sku=MUG%201")
    assert asked.headers["location"] == "/ops/login?next=/ops/orders%3Fstatus%3DPAID%26sku%3DMUG%25201"
    form = await nobody.get(asked.headers["location"])
    assert 'name="next" value="/ops/orders?status=PAID&amp;sku=MUG%201"' in form.text
    person = await shop.member(Role.OPERATOR)
    answer = await nobody.log_in(person.email, next="/ops/orders?status=PAID&sku=MUG%201")
    assert answer.headers["location"] == "/ops/orders?status=PAID&sku=MUG%201"


async def test_who_comes_by_a_very_long_address_can_log_in_all_the_same(nobody: Browser) -> None:
    sent = await nobody.get(f"/ops/orders?sku={'a' * 5000}")
    assert is_sent_to_log_in(sent)
    form = await nobody.get(sent.headers["location"])
    assert is_a_page(form)
    assert 'name="next" value="/ops"' in form.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example/ops",
        "/ops//evil.example",
        "/ops/../docs",
        "/ops/%2e%2e/docs",
        "/ops/..%2fdocs",
        "/opsevil",
        "/ops@evil.example",
        "javascript:alert(1)",
        "/ops\r\nSet-Cookie: a=b",
        "/ops\t//evil.example",
        "/ops?\u00e9",
        "/docs",
        "",
        "/ops/logout",
        "/ops/login",
    ],
)
async def test_a_log_in_leads_nowhere_else(shop: Shop, nobody: Browser, elsewhere: str) -> None:
    form = await nobody.get(LOG_IN, params={"next": elsewhere})
    assert 'name="next" value="/ops"' in form.text
    person = await shop.member(Role.OPERATOR)
    answer = await nobody.log_in(person.email, next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ops")


async def test_what_another_site_leads_to_is_asked_for_once_more_from_here(nobody: Browser) -> None:
    """For a browser sends the cookie with nothing that comes from there."""
    from_there = {"Sec-Fetch-Site": "cross-site"}
    answer = await nobody.get('/ops/orders?q="><script>', headers=from_there)
    assert is_a_page(answer)
    assert '<meta http-equiv="refresh" content="0; url=/ops/orders?q=%22%3E%3Cscript%3E">' in answer.text
    assert is_sent_to_log_in(await nobody.get("/ops/orders", headers={"Sec-Fetch-Site": "same-origin"}))


# Tokens that do not hold


async def test_a_token_that_does_not_hold_is_asked_for_again(shop: Shop, nobody: Browser) -> None:
    tokens, now = await shop.container.get(Tokens), datetime.now(UTC)
    operator = Actor.account(uuid4(), Role.OPERATOR)
    held = {
        "that is long over": tokens.issue(operator, at=now - timedelta(days=2), session_id=uuid4()),
        "of no session": tokens.issue(operator, at=now),
        "that is none": "a.b.c",
        "that is empty": "",
        "with a bad signature": tokens.issue(operator, at=now, session_id=uuid4())[:-4] + "AAAA",
    }
    for what, token in held.items():
        answer = await nobody.get("/ops", headers={"Cookie": f"{COOKIE}={token}"})
        assert is_sent_to_log_in(answer), what
    header = {"Authorization": f"Bearer {tokens.issue(operator, at=now, session_id=uuid4())}"}
    assert is_sent_to_log_in(await nobody.get("/ops", headers=header))


@pytest.mark.parametrize("kind", [ActorKind.CUSTOMER, ActorKind.SERVICE])
async def test_a_token_of_others_opens_nothing(shop: Shop, nobody: Browser, kind: ActorKind) -> None:
    token = (await shop.container.get(Tokens)).issue(Actor(kind, uuid4()), at=datetime.now(UTC), session_id=uuid4())
    for page in PAGES:
        assert is_a_page(await nobody.get(page, headers={"Cookie": f"{COOKIE}={token}"}), 403)


async def test_a_part_of_a_page_that_is_asked_for_too_late_loads_all_of_it_anew(nobody: Browser) -> None:
    answer = await nobody.get("/ops/machinery", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"], answer.text) == (200, "true", "")


# Out


async def test_logging_out_ends_the_session_and_takes_the_cookie(olga: Browser) -> None:
    kept = olga.client.cookies[COOKIE]
    answer = await olga.send("/ops/logout", {"form_token": await olga.form_token()})
    assert (answer.status_code, answer.headers["location"]) == (303, LOG_IN)
    assert f"{COOKIE}=; " in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert is_sent_to_log_in(await olga.get("/ops"))

    async def is_known() -> bool:
        return is_sent_to_log_in(await olga.get("/ops", headers={"Cookie": f"{COOKIE}={kept}"}))

    await until(is_known)


async def test_a_session_that_is_ended_elsewhere_is_over_here(shop: Shop, olga: Browser) -> None:
    async with shop.client() as client:
        token = document(await log_in(client, olga.email))["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        for session in document(await client.get("/api/v1/accounts/me/sessions", headers=bearer))["items"]:
            if not session["current"]:
                path = f"/api/v1/accounts/me/sessions/{session['id']}"
                assert (await client.delete(path, headers=bearer)).status_code == 204

    async def is_over() -> bool:
        return is_sent_to_log_in(await olga.get("/ops"))

    await until(is_over)


async def test_cookies_of_others_on_this_host_do_not_hide_ours(olga: Browser) -> None:
    ours = f"{COOKIE}={olga.client.cookies[COOKIE]}"
    for theirs in ('prefs={"a": 1, "b": [2]}', "a[0]=1", "nothing", "=", 'open="', "\xff=\xff"):
        for sent in (f"{theirs}; {ours}", f"{ours}; {theirs}", f"{COOKIE}=; {theirs};{ours}"):
            assert is_a_page(await olga.get("/ops/deeds", headers={"Cookie": sent.encode("latin-1")})), sent


# Forms


FROM_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.test"},
    "a neighbour of the same site": {"Sec-Fetch-Site": "same-site", "Origin": "http://shop.test"},
    "another origin, where nothing else is said": {"Origin": "http://evil.test"},
    "another port": {"Origin": "http://shop.test:81"},
    "an origin that is kept secret": {"Origin": "null"},
    "an origin that is none": {"Origin": "http://[shop.test"},
    "nobody knows where": {},
}


@pytest.mark.parametrize("headers", [pytest.param(value, id=key) for key, value in FROM_ELSEWHERE.items()])
async def test_no_form_is_taken_from_elsewhere(
    shop: Shop, olga: Browser, nobody: Browser, order: Document, headers: Mapping[str, str]
) -> None:
    path = f"/ops/orders/{order['id']}/cancel"
    form = {**await olga.hidden(path), "reason": "OTHER"}
    before = await shop.rows()
    assert is_a_page(await olga.send(path, form, headers), 403)
    assert is_a_page(await olga.send("/ops/logout", {"form_token": form["form_token"]}, headers), 403)
    assert is_a_page(await nobody.send(LOG_IN, {"email": olga.email, "password": PASSWORD}, headers), 403)
    assert await shop.rows() == before
    assert is_a_page(await olga.get("/ops"))


async def test_origin_is_enough_where_browsers_say_no_more(olga: Browser, order: Document) -> None:
    path = f"/ops/orders/{order['id']}/cancel"
    form = {**await olga.hidden(path), "reason": "OTHER"}
    assert (await olga.send(path, form, {"Origin": "http://shop.test"})).status_code == 303


async def test_a_form_of_another_log_in_is_not_taken(
    shop: Shop, olga: Browser, adam: Browser, order: Document
) -> None:
    before = await shop.rows()
    mine, theirs = await olga.form_token(), await adam.form_token()
    assert mine != theirs
    for path in (f"/ops/orders/{order['id']}/cancel", f"/ops/orders/{order['id']}/screen",
                 f"/ops/jobs/{uuid4()}/retry", "/ops/letters/0/0/redrive", "/ops/letters/0/0/dismiss",
                 "/ops/logout"):  # fmt: skip
        for wrong in ({}, {"form_token": ""}, {"form_token": theirs}, {"form_token": mine[:-1]}):
            form = {"reason": "OTHER", "version": "1", "key": uuid4().hex, **wrong}
            assert is_a_page(await olga.send(path, form), 403), path
    assert await shop.rows() == before


async def test_where_the_pages_are_not_wanted_there_are_none(shop_database: URL) -> None:
    async with (
        open_shop(shop_database, msgspec.structs.replace(GENEROUS, ops_pages=False)) as shop,
        shop.client() as c,
    ):
        for path in (*PAGES, "/ops/login", "/ops/assets/0/ops.css"):
            assert problem(await c.get(path), 404, "not-found")


# What is not for programs


async def test_refusals_are_pages(olga: Browser, nobody: Browser) -> None:
    assert is_a_page(await olga.get("/ops/nothing/here"), 404)
    assert is_a_page(await olga.get("/ops/orders/1"), 404)
    assert is_a_page(await olga.get(f"/ops/orders/{uuid4()}"), 404)
    assert is_a_page(await olga.get(f"/ops/orders/{uuid4()}/news"), 400)
    assert is_a_page(await olga.client.delete("/ops/orders"), 405)
    assert is_a_page(await nobody.send(LOG_IN, {"email": "a" * 100_000}), 413)
    json = {"email": "a"}
    assert is_a_page(await nobody.client.post(LOG_IN, json=json, headers=dict(FROM_HERE)), 415)


async def test_what_nobody_foresaw_is_a_page_too(shop_database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_shop(shop_database, GENEROUS) as shop, somebody(shop, Role.OPERATOR) as browser:

        async def broken(_: int) -> None:
            raise RuntimeError("a secret of the database")

        monkeypatch.setattr(await shop.container.get(Deeds), "newest", broken)
        answer = await browser.get("/ops/deeds")
        assert is_a_page(answer, 500)
        assert "a secret" not in answer.text


@pytest.fixture
async def crowded(shop_database: URL) -> AsyncIterator[Shop]:
    async with open_shop(shop_database, GENEROUS) as shop:
        yield shop


async def test_who_finds_no_place_reads_it_on_a_page(crowded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowded.app, "_places", asyncio.Semaphore(0))
    async with crowded.client() as client:
        answer = await client.get(LOG_IN)
    assert is_a_page(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert "Idempotency-Key" not in answer.text


async def test_the_description_of_the_api_does_not_tell_of_it(nobody: Browser) -> None:
    described = document(await nobody.get("/openapi.json"))
    assert [path for path in described["paths"] if path.startswith("/ops")] == []


async def test_what_only_begins_like_it_is_the_apis(nobody: Browser) -> None:
    for path in ("/opsen", "/ops-login", "/Ops"):
        problem(await nobody.get(path), 404, "not-found")


async def test_no_other_origin_reads_these_pages(olga: Browser) -> None:
    answer = await olga.get("/ops", headers={"Origin": "http://localhost:3000"})
    assert is_a_page(answer)
    assert "access-control-allow-credentials" not in answer.headers


async def test_assets_are_kept_for_ever_and_only_under_the_name_of_what_they_contain(nobody: Browser) -> None:
    page = await nobody.get(LOG_IN)
    addresses = {part.split('"')[0] for part in page.text.split('"/ops/assets')[1:]}
    assert {address.rpartition("/")[2] for address in addresses} == {"ops.css", "ops.js", "htmx.min.js", "icon.svg"}
    for address in addresses:
        asset = await nobody.get(f"/ops/assets{address}")
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
        assert is_careful(asset)
    assert (await nobody.get("/ops/assets/0/ops.css")).status_code == 404
    assert (await nobody.get("/ops/assets/0/..%2Fapp.py")).status_code == 404
