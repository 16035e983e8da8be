"""Who asks: customers who register over HTTP, and staff whose token is made here."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx

from adapters.security.keys import TokenKey, TokenKeys
from adapters.security.tokens import JwtTokens
from order_service.domain.account import Account
from order_service.domain.actor import Role

SECRET_KEY = "a secret key for the fleet, 32 or more characters"

Headers = dict[str, str]


async def a_customer(http: httpx.AsyncClient) -> Headers:
    login = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery"}
    assert (await http.post("/api/v1/accounts", json=login)).status_code == 201
    form = {"grant_type": "password", "username": login["email"], "password": login["password"]}
    token = (await http.post("/api/v1/auth/token", data=form)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def an_operator_token(role: Role = Role.OPERATOR) -> str:
    """Of an account that need not exist: tokens are not looked up."""
    return a_token(UUID(int=1), role)


def a_token(account_id: UUID, role: Role) -> str:
    """Of no session, so nobody can end it."""
    now = datetime.now(UTC)
    account = Account(id=account_id, email="", password_hash="", role=role, created_at=now)
    return JwtTokens(TokenKeys([TokenKey.secret(SECRET_KEY)]), lifetime=timedelta(hours=2)).issue(
        account.actor, at=now
    )


def an_operator() -> Headers:
    return {"Authorization": f"Bearer {an_operator_token()}"}
