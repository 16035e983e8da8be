"""Accounts over HTTP: one's own, and those of others for administrators."""

from uuid import uuid4

import httpx
import pytest

from order_service.domain.actor import Role
from tests.http.shop import (
    ACCOUNTS,
    ME,
    ORDERS,
    PASSWORD,
    Document,
    Person,
    Shop,
    document,
    log_in,
    pointers,
    problem,
)


def path_of(person: Person, *rest: str) -> str:
    return "/".join([ACCOUNTS, str(person.id), *rest])


def to(email: str, password: str = PASSWORD) -> Document:
    return {"email": email, "current_password": password}


# One's own


async def test_an_account_has_a_version_and_is_not_sent_again_at_the_same(eve: Person) -> None:
    answer = await eve.get(ME)
    assert (answer.headers["etag"], document(answer)["version"]) == ('"1"', 1)
    known = await eve.get(ME, headers={"If-None-Match": '"1"'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"1"')
    assert (await eve.get(ME, headers={"If-None-Match": '"2"'})).status_code == 200
    problem(await eve.get(ME, headers={"If-None-Match": "1"}), 400, "malformed-request")


@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
async def test_an_address_is_changed_with_the_password(
    content_type: str, eve: Person, anybody: httpx.AsyncClient
) -> None:
    wanted = f"New.{uuid4().hex}@Example.com"
    headers = {"If-Match": '"1"', "Content-Type": content_type}
    answer = await eve.patch(ME, json=to(wanted), headers=headers)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert document(answer) == document(await eve.get(ME))
    assert document(answer)["email"] == wanted.lower()
    assert (await log_in(anybody, wanted)).status_code == 200
    problem(await log_in(anybody, eve.email), 400, "invalid-grant")


async def test_an_address_is_not_changed_for_a_reason_that_is_told(eve: Person, ann: Person) -> None:
    wanted = f"{uuid4().hex}@example.com"
    taken = problem(await eve.patch(ME, json=to(ann.email)), 409, "email-taken")
    assert ann.email not in taken["detail"]
    wrong = problem(await eve.patch(ME, json=to(wanted, "wrong horse")), 422, "invalid-request")
    assert pointers(wrong) == ["/current_password"]
    assert pointers(problem(await eve.patch(ME, json=to("no address")), 422)) == ["/email"]
    late = problem(await eve.patch(ME, json=to(wanted), headers={"If-Match": '"7"'}), 412, "version-mismatch")
    assert late["current_version"] == 1
    bodies: list[object] = [
        {"email": wanted},
        {"current_password": PASSWORD},
        {**to(wanted), "role": "admin"},
        {},
        [],
    ]
    for body in bodies:
        problem(await eve.patch(ME, json=body), 422, "invalid-request")
    form = {"content-type": "application/x-www-form-urlencoded"}
    problem(await eve.patch(ME, content="email=x", headers=form), 415)
    assert document(await eve.get(ME))["email"] == eve.email
    assert document(await eve.get(ME))["version"] == 1


async def test_the_address_that_an_account_has_already_changes_nothing(eve: Person) -> None:
    answer = await eve.patch(ME, json=to(eve.email.upper()))
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')


async def test_ones_own_history_tells_what_happened_and_no_secret(eve: Person, admin: Person) -> None:
    await eve.patch(ME, json=to(f"{uuid4().hex}@example.org"))
    passwords = {"current_password": PASSWORD, "new_password": "purple tin roof"}
    assert (await eve.post(f"{ME}/password", json=passwords)).status_code == 204

    answer = await eve.get(f"{ME}/events")
    history = document(answer)
    assert [(event["seq"], event["type"], event["actor"]["kind"]) for event in history["items"]] == [
        (1, "account.registered", "system"),
        (2, "account.email_changed", "customer"),
        (3, "account.password_changed", "customer"),
    ]
    assert [event["change"] for event in history["items"]] == [{"role": "customer"}, {}, {}]
    assert "@" not in answer.text
    assert "argon2" not in answer.text
    assert document(await admin.get(path_of(eve, "events"))) == history
    assert (await eve.get(ME)).headers["etag"] == '"3"'


async def test_a_history_is_read_in_pages(eve: Person, admin: Person) -> None:
    await eve.patch(ME, json=to(f"{uuid4().hex}@example.org"))
    for person, path in ((eve, f"{ME}/events"), (admin, path_of(eve, "events"))):
        first = await person.get(path, params={"limit": 1})
        assert document(first)["next_cursor"] == "1"
        assert first.headers["link"] == f'<{path}?limit=1&after=1>; rel="next"'
        second = document(await person.get(path, params={"limit": 1, "after": 1}))
        assert ([event["seq"] for event in second["items"]], second["next_cursor"]) == ([2], None)
        for query in ("after=-1", "after=x", "limit=0", "limit=101", "seq=1", "after=1&after=2"):
            problem(await person.get(f"{path}?{query}"), 400, "malformed-request")


async def test_a_password_is_changed_to_one_that_is_hard_to_guess(eve: Person) -> None:
    for password in ("password1", eve.email.upper(), eve.email.partition("@")[0], "short"):
        body = {"current_password": PASSWORD, "new_password": password}
        refused = problem(await eve.post(f"{ME}/password", json=body), 422, "invalid-request")
        assert pointers(refused) == ["/new_password"]
        assert password not in refused["detail"].lower()
    assert (await eve.get(ME)).headers["etag"] == '"1"'


# Those of others


async def test_an_admin_gives_a_role_which_ends_the_sessions_and_is_remembered(
    eve: Person, admin: Person, anybody: httpx.AsyncClient
) -> None:
    answer = await admin.put(path_of(eve, "role"), json={"role": "operator"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert document(answer)["role"] == "operator"
    again = document(await log_in(anybody, eve.email))
    assert "payments:write" in again["scope"]
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    sessions = document(await anybody.get(f"{ME}/sessions", headers=headers))["items"]
    assert [session["current"] for session in sessions] == [True]

    newest = document(await admin.get(path_of(eve, "events")))["items"][-1]
    assert newest["type"] == "account.role_changed"
    assert newest["change"] == {"from": "customer", "to": "operator"}
    assert newest["actor"] == {"kind": "admin", "id": str(admin.id)}


async def test_the_role_that_an_account_has_already_changes_nothing(eve: Person, admin: Person) -> None:
    answer = await admin.put(path_of(eve, "role"), json={"role": "customer"})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert len(document(await eve.get(f"{ME}/sessions"))["items"]) == 1


async def test_a_role_is_not_given_for_a_reason_that_is_told(
    eve: Person, ann: Person, operator: Person, admin: Person, anybody: httpx.AsyncClient
) -> None:
    a_role = {"role": "admin"}
    for person in (eve, ann, operator):
        problem(await person.put(path_of(eve, "role"), json=a_role), 403, "not-allowed")
    problem(await anybody.put(path_of(eve, "role"), json=a_role), 401, "not-authenticated")
    problem(await admin.put(path_of(admin, "role"), json={"role": "customer"}), 409, "own-role")
    problem(await admin.put(f"{ACCOUNTS}/{uuid4()}/role", json=a_role), 404, "account-not-found")
    problem(await admin.put(f"{ACCOUNTS}/1/role", json=a_role), 404, "not-found")
    late = await admin.put(path_of(eve, "role"), json=a_role, headers={"If-Match": '"2"'})
    assert problem(late, 412, "version-mismatch")["current_version"] == 1
    problem(await admin.put(path_of(eve, "role"), json=a_role, headers={"If-Match": "2"}), 400)
    for body in ({"role": "root"}, {"role": "system"}, {"role": None}, {}, {**a_role, "id": 1}):
        problem(await admin.put(path_of(eve, "role"), json=body), 422, "invalid-request")
    assert document(await admin.get(path_of(eve)))["role"] == "customer"


async def test_who_was_an_admin_gives_no_roles_with_a_token_from_before(shop: Shop, admin: Person) -> None:
    former = await shop.person(Role.ADMIN)
    async with former.client:
        assert (await admin.put(path_of(former, "role"), json={"role": "customer"})).status_code == 200
        problem(await former.put(path_of(admin, "role"), json={"role": "customer"}), 403, "not-allowed")


async def test_an_admin_reads_any_account_and_nobody_else_anothers(
    eve: Person, ann: Person, operator: Person, admin: Person
) -> None:
    answer = await admin.get(path_of(eve))
    assert document(answer) == document(await eve.get(ME))
    assert answer.headers["etag"] == '"1"'
    assert (await admin.get(path_of(eve), headers={"If-None-Match": '"1"'})).status_code == 304
    assert document(await eve.get(path_of(eve))) == document(answer)
    for person in (ann, operator):
        problem(await person.get(path_of(eve)), 403, "not-allowed")
        problem(await person.get(path_of(eve, "events")), 403, "not-allowed")
        problem(await person.get(ACCOUNTS), 403, "not-allowed")
    for rest in ("", "/events"):
        problem(await admin.get(f"{ACCOUNTS}/{uuid4()}{rest}"), 404, "account-not-found")


async def test_an_admin_finds_accounts(eve: Person, operator: Person, admin: Person) -> None:
    async def found(**wanted: str) -> list[str]:
        answer = await admin.get(ACCOUNTS, params={"limit": 100, **wanted})
        assert answer.status_code == 200, answer.text
        return [account["id"] for account in document(answer)["items"]]

    assert await found(email=eve.email.upper()) == [str(eve.id)]
    assert await found(email=eve.email, role="admin") == []
    operators = await found(role="operator")
    assert str(operator.id) in operators
    assert str(eve.id) not in operators
    [account] = document(await admin.get(ACCOUNTS, params={"email": eve.email}))["items"]
    assert account == document(await eve.get(ME))


async def test_accounts_are_listed_page_by_page(shop: Shop, admin: Person) -> None:
    made = [await shop.person(Role.OPERATOR) for _ in range(3)]
    for person in made:
        await person.client.aclose()
    first = await admin.get(ACCOUNTS, params={"role": "operator", "limit": 2})
    page = document(first)
    assert [account["id"] for account in page["items"]] == [str(made[2].id), str(made[1].id)]
    assert first.headers["link"].startswith(f"<{ACCOUNTS}?role=operator&limit=2&cursor=")
    link = first.headers["link"].partition(">")[0].lstrip("<")
    second = document(await admin.get(link))
    assert second["items"][0]["id"] == str(made[0].id)
    last = document(await admin.get(ACCOUNTS, params={"email": made[0].email}))
    assert last["next_cursor"] is None


async def test_a_cursor_is_good_for_its_own_list_and_its_own_admin(shop: Shop, admin: Person) -> None:
    cursor = document(await admin.get(ACCOUNTS, params={"limit": 1}))["next_cursor"]
    assert (await admin.get(ACCOUNTS, params={"cursor": cursor})).status_code == 200
    other = await shop.person(Role.ADMIN)
    async with other.client:
        for answer in (
            await other.get(ACCOUNTS, params={"cursor": cursor}),
            await admin.get(ACCOUNTS, params={"cursor": cursor, "role": "customer"}),
            await admin.get(ACCOUNTS, params={"cursor": cursor[:-1]}),
            await admin.get(ACCOUNTS, params={"cursor": ""}),
            await admin.get(ORDERS, params={"cursor": cursor}),
        ):
            problem(answer, 400, "bad-cursor")


@pytest.mark.parametrize(
    "query", ["role=null", "role=root", "limit=0", "limit=101", "name=x", "role=admin&role=admin"]
)
async def test_a_filter_that_would_not_filter_is_refused(query: str, admin: Person) -> None:
    problem(await admin.get(f"{ACCOUNTS}?{query}"), 400, "malformed-request")


@pytest.mark.parametrize("email", ["null", "", "no address", "nul\0@example.com"])
async def test_an_address_that_nobody_can_have_is_refused(email: str, admin: Person) -> None:
    assert pointers(problem(await admin.get(ACCOUNTS, params={"email": email}), 422)) == ["/email"]


async def test_options_names_every_method_of_a_path(eve: Person) -> None:
    for path, methods in ((ACCOUNTS, {"GET", "POST"}), (ME, {"GET", "PATCH"}), (path_of(eve), {"GET"})):
        allowed = (await eve.ask("OPTIONS", path)).headers["allow"].split(", ")
        assert set(allowed) == {"OPTIONS", *methods}, path
