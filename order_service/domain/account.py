"""Who can log in."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from order_service.domain.actor import Actor, Role
from order_service.domain.errors import InvalidField
from order_service.domain.text import checked_text

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


@dataclass(slots=True, kw_only=True)
class Account:
    """`email` is unique without regard to case, and kept in lower case; the password itself is never kept."""

    id: UUID
    email: str
    password_hash: str
    role: Role
    created_at: datetime

    @classmethod
    def register(cls, *, id: UUID, email: str, password_hash: str, at: datetime, role: Role = Role.CUSTOMER) -> Self:
        """Raises InvalidField for what cannot be an e-mail address."""
        return cls(id=id, email=normalized_email(email), password_hash=password_hash, role=role, created_at=at)

    @property
    def actor(self) -> Actor:
        return Actor.account(self.id, self.role)


def normalized_email(email: str) -> str:
    """As accounts keep it. Raises InvalidField."""
    email = checked_text("email", email.strip(), shortest=3, longest=254).lower()
    if not _EMAIL.fullmatch(email):
        raise InvalidField("email", "must be an e-mail address such as ann@example.com.")
    return email


def checked_password(password: str, *, field: str = "password") -> str:
    """`password` itself: 8 to 1,024 characters, whatever they are. Raises InvalidField, which never repeats it."""
    if not 8 <= len(password) <= 1024:
        raise InvalidField(field, f"must have 8 to 1024 characters, not {len(password)}.")
    return password
