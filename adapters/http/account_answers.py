"""What the routes of accounts have in common: how an account is sent, and how an address may look."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from msgspec import Meta

from adapters.http.conditions import already_has, etag
from order_service.domain.account import Account

EMAIL_SCHEMA = {
    "minLength": 3,
    "maxLength": 254,
    "pattern": r"^\s*[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s.\x00-\x1f\x7f-\x9f]+(\.[^@\s.\x00-\x1f\x7f-\x9f]+)+\s*$",
}
"""As the domain has it (see `domain.account`), in the words of JSON Schema."""

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        examples=["ann@example.com"],
        extra_json_schema={"extra": {"pattern": EMAIL_SCHEMA["pattern"]}},
    ),
]

CurrentPassword = Annotated[str, Meta(max_length=4096, examples=["correct horse battery"])]


def new_password(example: str) -> Meta:
    """The domain counts and refuses itself, for it knows when two texts are one password."""
    return Meta(
        description="None of the most common passwords, and not the e-mail address.",
        examples=[example],
        extra_json_schema={"extra": {"minLength": 8, "maxLength": 1024}},
    )


class AccountOut(msgspec.Struct):
    id: UUID
    email: str
    role: str
    created_at: datetime
    version: int

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls(
            id=account.id,
            email=account.email,
            role=account.role,
            created_at=account.created_at,
            version=account.version,
        )


def sent(
    account: Account, status: int = 200, *, if_none_match: str | None = None
) -> Response[AccountOut] | Response[bytes]:
    """304 and nothing when the client has this version already."""
    headers = {"ETag": etag(account.version)}
    if already_has(if_none_match, account.version):
        return Response(b"", status_code=304, headers=headers)
    return Response(AccountOut.of(account), status_code=status, headers=headers)
